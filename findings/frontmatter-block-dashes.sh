#!/usr/bin/env bash
# frontmatter 3.0.8 and boringmd 1.2.0 (PyPI) end the front matter at an indented "---" inside a value.
# Seen on 2026-12-01.
#
# Expected: the front matter ends at a line that begins with `---`; two spaces and `---` in a block `example: |` are the block's text, as
#           in each YAML reader, and in caput 1.1 and python-frontmatter 1.3.0.
# Seen:     both cut there, without an error: the value is "name: one" alone, the keys after it are missing, and the page begins with the
#           rest of the block.
# So:       a lesson that has a diff, a page or several YAML documents in its front matter loses half of it. Write the value in quotes
#           with \n, keep it in a file of its own, or use one of the other two.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
for name in frontmatter==3.0.8 python-frontmatter==1.3.0; do
  python3 -m venv "env-${name%%=*}" >/dev/null
  "env-${name%%=*}/bin/pip" install --quiet --disable-pip-version-check "$name" boringmd==1.2.0 caput==1.1
done
cat > lesson.md <<'MD'
---
title: Two documents
example: |
  name: one
  ---
  name: two
minutes: 5
---
Read it.
MD
env-frontmatter/bin/python - <<'PY'
import boringmd, caput
from frontmatter import Frontmatter
page = open("lesson.md").read()
post = Frontmatter.read(page)
print(post["attributes"], repr(post["body"]))
print(repr(boringmd.front_matter_from_string(page)))
assert post["attributes"] == {"title": "Two documents", "example": "name: one\n"}
assert post["body"].startswith("name: two\nminutes: 5\n---\n")
assert "name: one" in boringmd.front_matter_from_string(page) and "minutes" not in boringmd.front_matter_from_string(page)
assert caput.read_config("lesson.md") == {"title": "Two documents", "example": "name: one\n---\nname: two\n", "minutes": 5}
PY
env-python-frontmatter/bin/python - <<'PY'
import frontmatter
post = frontmatter.load("lesson.md")
assert post.metadata == {"title": "Two documents", "example": "name: one\n---\nname: two\n", "minutes": 5} and post.content == "Read it."
PY
echo "as described"
