#!/usr/bin/env bash
# jsoncomment 0.4.2 (PyPI, JSON with comments and trailing commas) deletes commas inside of strings.
# Seen on 2026-12-01.
#
# Expected: a comma before a bracket is dropped where it ends a list, and strings stay: "[0-9,]" is a pattern.
# Seen:     "[0-9,]" is read as "[0-9]" and "{2,}" as "{2}", which is another quantifier. Comment signs in strings stay. No error.
# So:       patterns, globs and SQL in a settings file lose a comma. json-with-comments 1.3.0 (module jsonc) and json-five keep them.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check jsoncomment==0.4.2 json-with-comments==1.3.0
cat > look.py <<'PY'
import jsonc
from jsoncomment import JsonComment
text = '{\n  // patterns\n  "digits": "[0-9,]",\n  "twice": "a{2,}",\n  "url": "http://x // y"\n}'
seen, peer = JsonComment().loads(text), jsonc.loads(text)
print(seen, peer)
assert peer == {'digits': '[0-9,]', 'twice': 'a{2,}', 'url': 'http://x // y'}
assert seen == {'digits': '[0-9]', 'twice': 'a{2}', 'url': 'http://x // y'}
PY
env/bin/python look.py
echo "as described"
