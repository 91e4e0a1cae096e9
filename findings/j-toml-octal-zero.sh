#!/usr/bin/env bash
# @ltd/j-toml 1.38.0 (npm, TOML 1.0) reads octal and binary numbers as 0 when it is asked for plain numbers.
# Seen on 2026-12-01.
#
# Expected: 0o755 is 493 and 0b11 is 3, as a number or as a bigint.
# Seen:     as bigints (the default) they are right; with useBigInt false or a limit, which give plain numbers, both are 0. Hexadecimal numbers
#           are right. No error.
# So:       a file mode becomes 0: a file that nobody may read. Write modes in decimal or as texts, or read bigints and convert them.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @ltd/j-toml@1.38.0
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { parse } = require('@ltd/j-toml');
const text = 'mode = 0o755\nbits = 0b11\nhex = 0x1F\nplain = 10\n';
const bigints = parse(text), numbers = parse(text, 1.0, '\n', false), limited = parse(text, 1.0, '\n', 1000);
console.log({ ...bigints }, { ...numbers }, { ...limited });
assert.deepEqual({ ...bigints }, { mode: 493n, bits: 3n, hex: 31n, plain: 10n });
for (const seen of [numbers, limited]) assert.deepEqual({ ...seen }, { mode: 0, bits: 0, hex: 31, plain: 10 });
JS
node look.cjs
echo "as described"
