#!/usr/bin/env bash
# ansi-to-svg 1.4.4 (npm) makes a file that no XML reader opens when the output holds a hyperlink.
# Seen on 2026-11-30.
#
# Expected: the words of an OSC 8 link (`ESC ] 8 ; ; URL ESC \ text ESC ] 8 ; ; ESC \`) are text in the picture, as a link or without.
# Seen:     the sequence's rest is text, its ESC written as `&#x1B;`, a character that XML 1.0 does not allow, not even as a
#           reference: a browser shows an error in place of the picture. The function itself reports none. Colours of the
#           256 (`38;5;9`) and reverse video are left out of a picture that is otherwise right.
# So:       take OSC sequences out before, and open what came out once with an XML reader.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ansi-to-svg@1.4.4
cat > picture.cjs <<'JS'
const fs = require('node:fs');
const svg = require('ansi-to-svg');
fs.writeFileSync('plain.svg', svg('see \x1b[31mthe guide\x1b[0m \x1b[38;5;9mbright\x1b[0m'));
fs.writeFileSync('link.svg', svg('see \x1b]8;;https://example.com/guide\x1b\\the guide\x1b]8;;\x1b\\ first'));
JS
node picture.cjs
python3 - <<'PY'
import xml.etree.ElementTree as tree
texts = [(text.text, text.get("fill")) for text in tree.parse("plain.svg").iter("{http://www.w3.org/2000/svg}text")]
print(texts)
assert ("the guide", "#B22222") in texts and ("bright", None) in texts
assert "&#x1B;" in open("link.svg").read()
try:
    tree.parse("link.svg")
except tree.ParseError as error:
    print(error)
    assert "reference to invalid character number" in str(error)
else:
    raise SystemExit("it is valid XML")
PY
echo "as described"
