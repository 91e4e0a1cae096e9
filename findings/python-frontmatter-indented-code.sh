#!/usr/bin/env bash
# python-frontmatter 1.3.0 (PyPI) makes a paragraph of a code block that stands first on the page.
# Seen on 2026-12-01.
#
# Expected: `content` is the page after the front matter; in Markdown four spaces at the beginning of a line make a code block, so blank lines
#           around the text may go, but not the first line's own spaces. dumps(loads(page)) is the same page.
# Seen:     content begins with "$ psql" where the page has "    $ psql": the first line is text, and the second, still indented, is a part
#           of that paragraph. dumps() writes the page back so. caput 1.1, another reader, keeps the spaces.
# So:       a script that only sets a date in the front matter changes the lesson under it. Fence the code at the top of a page, or put a
#           sentence before it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check python-frontmatter==1.3.0 caput==1.1 markdown-it-py==4.2.0
cat > lesson.md <<'MD'
---
title: Connect
---

    $ psql
    select 1;

It answers.
MD
env/bin/python - <<'PY'
import caput, frontmatter
from markdown_it import MarkdownIt
page = open("lesson.md").read()
post = frontmatter.loads(page)
other = caput.read_contents("lesson.md")
print(repr(post.content), repr(other), frontmatter.dumps(post), sep="\n")
html = MarkdownIt().render
assert post.metadata == {"title": "Connect"}
assert html(other).startswith("<pre><code>$ psql\nselect 1;\n</code></pre>")
assert post.content == "$ psql\n    select 1;\n\nIt answers."
assert html(post.content).startswith("<p>$ psql\nselect 1;</p>")
assert frontmatter.dumps(post) == page.replace("    $ psql", "$ psql").rstrip("\n")
PY
echo "as described"
