#!/usr/bin/env bash
# anser 2.3.5 (npm, terminal output to HTML) and ansi-to-react 6.2.6, which is made of it, show colours that are written with colons as text.
# Seen on 2026-12-01.
#
# Expected: `ESC [ 4:3 m` (a curly underline) and `ESC [ 38:2::255:0:0 m` (red) are taken or dropped, as ansi_up 6.0.6 does at least with
#           `ESC [ 58 ; 5 ; 9 m`, the colour of an underline.
# Seen:     "4:3mcurly" and "38:2::255:0:0mred" stand in the page. The colour of the underline is read piece by piece: anser's text blinks and
#           is struck through, ansi-to-react's is struck through.
# So:       logs of compilers and linters that underline in colour look broken in the browser only. Take `\x1b\[[0-9;]*:[0-9:;]*m` and
#           `58;5;n` out before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts anser@2.3.5 ansi-to-react@6.2.6 ansi_up@6.0.6 react@19.3.1 react-dom@19.3.1
cat > show.mjs <<'JS'
import assert from 'node:assert/strict';
import anser from 'anser';
import react from 'ansi-to-react';
import { AnsiUp } from 'ansi_up';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
const component = react.default ?? react;
const all = (text) => [anser.ansiToHtml(text), renderToStaticMarkup(createElement(component, null, text)), new AnsiUp().ansi_to_html(text)];
const curly = all('\x1b[4:3mcurly\x1b[0m'), red = all('\x1b[38:2::255:0:0mred\x1b[0m'), colour = all('\x1b[58;5;9mword\x1b[0m');
console.log(curly, red, colour);
assert.equal(curly[0], '4:3mcurly');
assert.match(curly[1], /4:3mcurly/);
assert.equal(red[0], '38:2::255:0:0mred');
assert.match(red[1], /38:2::255:0:0mred/);
assert.equal(colour[0], '<span style="text-decoration:blink line-through">word</span>');
assert.match(colour[1], /<span style="text-decoration:line-through">word<\/span>/);
assert.equal(colour[2], 'word');
JS
node show.mjs
echo "as described"
