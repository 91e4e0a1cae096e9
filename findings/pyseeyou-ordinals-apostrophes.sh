#!/usr/bin/env bash
# pyseeyou 1.0.2 (PyPI, ICU messages) writes "None" for 1st, 2nd and 3rd, and shows the apostrophes that are there to quote.
# Seen on 2026-12-01.
#
# Expected: {n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}} is "22nd" for 22; two apostrophes are one, and '{name}' in apostrophes is the
#           text {name} (ICU's message format; intl-messageformat 10.7.18 does so).
# Seen:     the text "None" for every number; "don''t" stays as it is; '{name}' has the value in it, and its apostrophes round it.
# So:       "chapter None" is shown and nothing fails; French and English texts that were escaped for another reader have two apostrophes. Use
#           PyICU, or keep ordinals out of messages.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyseeyou==1.0.2
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts intl-messageformat@10.7.18
cat > messages.json <<'JSON'
["{n, selectordinal, one {#st} two {#nd} few {#rd} other {#th}}", "don''t", "the name is '{name}'", "{n, plural, one {# day} other {# days}}"]
JSON
env/bin/python -W ignore - <<'PY'
import json
from pyseeyou import format
seen = [format(text, {"n": 22, "name": "x"}, "en") for text in json.load(open("messages.json"))]
print(seen)
assert seen == ["None", "don''t", "the name is 'x'", "22 days"]
PY
cat > show.cjs <<'JS'
const { IntlMessageFormat } = require('intl-messageformat');
const seen = require('./messages.json').map((text) => new IntlMessageFormat(text, 'en').format({ n: 22, name: 'x' }));
console.log(seen);
require('node:assert/strict').deepEqual(seen, ['22nd', "don't", 'the name is {name}', '22 days']);
JS
node show.cjs
echo "as described"
