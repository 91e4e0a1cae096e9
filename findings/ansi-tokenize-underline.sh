#!/usr/bin/env bash
# @alcalzone/ansi-tokenize 0.3.2 (npm, ink's own) leaves an underline on after `ESC [ 24 m` when it was a curly or a double one.
# Seen on 2026-11-30.
#
# Expected: `ESC [ 24 m` ends every underline: `4`, `4:3` (curly, as compilers and editors mark errors) and `21` (double).
# Seen:     it ends the plain one only. With the others it is thrown away: text that was "Xy" with X underlined is written back as
#           underlined both, and after `4:3` nothing at the end of the text switches it off either, so what is printed next
#           is underlined too. A colour with colons, `38:5:1`, goes on behind its `39` in the same way. No error.
# So:       in output that is to be cut, wrapped or laid over other by it, make these `ESC [ 4 m` and `38;5;1` first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @alcalzone/ansi-tokenize@0.3.2
cat > underline.mjs <<'JS'
import assert from 'node:assert/strict';
import { styledCharsFromTokens, styledCharsToString, tokenize } from '@alcalzone/ansi-tokenize';
for (const [start, end, seen] of [
  ['4', '24', '\x1b[4mX\x1b[24my'],
  ['4:3', '24', '\x1b[4:3mXy'],
  ['21', '24', '\x1b[21mXy\x1b[0m'],
  ['38;5;1', '39', '\x1b[38;5;1mX\x1b[39my'],
  ['38:5:1', '39', '\x1b[38:5:1mXy'],
]) {
  const written = styledCharsToString(styledCharsFromTokens(tokenize(`\x1b[${start}mX\x1b[${end}my`)));
  console.log(start, JSON.stringify(written));
  assert.equal(written, seen);
}
JS
node underline.mjs
echo "as described"
