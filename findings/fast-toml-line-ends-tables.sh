#!/usr/bin/env bash
# fast-toml 0.5.4 (npm, TOML) keeps the indentation behind a backslash, and blanks in a table's name.
# Seen on 2026-12-01.
#
# Expected: in a text of """ a backslash at a line's end joins the next line without its indentation; [ a . "b c" ] is the table "b c" in a; -inf is a number.
# Seen:     "line \ / two" has four blanks in the middle, and with the backslash right behind the """ the first line keeps its indentation. The tables
#           are " a " and " b c ", and -inf is the text "-inf". No error. @iarna/toml 2.2.5 has all of them right.
# So:       commands and mails that are folded over lines have gaps in them, and a table that is indented by a formatter is not found.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts fast-toml@0.5.4 @iarna/toml@2.2.5
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const fast = require('fast-toml'), peer = require('@iarna/toml');
const plain = (value) => JSON.stringify(value, (key, v) => v === -Infinity ? 'minus infinity' : v);
for (const [text, seen, right] of [['a = """\nline \\\n   two"""', '{"a":"line    two"}', '{"a":"line two"}'], ['a = """\\\n  x y"""', '{"a":"  x y"}', '{"a":"x y"}'],
  ['[ a . "b c" ]\nx = 1', '{" a ":{" b c ":{"x":1}}}', '{"a":{"b c":{"x":1}}}'], ['a = -inf', '{"a":"-inf"}', '{"a":"minus infinity"}'], ['[a."b c"]\nx = 1', '{"a":{"b c":{"x":1}}}', '{"a":{"b c":{"x":1}}}']]) {
  console.log(JSON.stringify(text), plain(fast.parse(text)), plain(peer.parse(text)));
  assert.deepEqual([plain(fast.parse(text)), plain(peer.parse(text))], [seen, right]);
}
JS
node look.cjs
echo "as described"
