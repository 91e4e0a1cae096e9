#!/usr/bin/env bash
# ansi-html-community 0.0.8 (npm, terminal output to HTML; the error pages of webpack's dev server are made with it) knows one number a sequence.
# Seen on 2026-12-01.
#
# Expected: `ESC [ 1;31 m` is bold and red, `ESC [ m` ends both like `ESC [ 0 m`, `ESC [ 38;5;9 m` is a red of 256.
# Seen:     the first and the last stay in the page as they are, with an ESC that no browser shows: "[1;31mred". `ESC [ m`, which git, grep
#           and tput write, stays as well, and the red goes on to the end. Bright colours (90 to 97) are dropped. chalk, which writes
#           one number a sequence, is the case that works.
# So:       use ansi_up or anser for what other programs print, or split and rename the sequences before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ansi-html-community@0.0.8
cat > show.cjs <<'JS'
const assert = require('node:assert/strict');
const html = require('ansi-html-community');
const both = html('\x1b[1;31mred\x1b[0m'), empty = html('\x1b[31mred\x1b[m plain'), palette = html('\x1b[38;5;9mred'), bright = html('\x1b[96mblue'), single = html('\x1b[31mred\x1b[39m plain');
console.log([both, empty, palette, bright, single]);
assert.ok(both.startsWith('\x1b[1;31mred'));
assert.equal(empty, '<span style="color:#ff0000;">red\x1b[m plain</span>');
assert.equal(palette, '\x1b[38;5;9mred');
assert.equal(bright, 'blue');
assert.equal(single, '<span style="color:#ff0000;">red</span> plain');
JS
node show.cjs
echo "as described"
