#!/usr/bin/env bash
# markdown-it-terminal 0.4.0 (npm, Markdown in a terminal; ember-cli's help is shown with it) numbers steps wrong, and changes code.
# Seen on 2026-12-01.
#
# Expected: bullets beneath step 1 are bullets, and step 2 is 2; a list that begins at 3 begins at 3; a step with a block of code has its number;
#           what stands in code is shown as it is written.
# Seen:     the bullets are 2 and 3, and step 2 is 4, all at one depth. 3 and 4 are 1 and 2. A step with a blank line and a block in it has the
#           word "undefined" for its number. In code `&lt;b&gt;` is shown as <b>.
# So:       "go back to step 2" points at another line, and a lesson about escaping shows what must not be typed. Keep steps flat and tight.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts markdown-it-terminal@0.4.0 markdown-it@15.0.3
cat > show.cjs <<'JS'
const assert = require('node:assert/strict');
const it = require('markdown-it'), terminal = require('markdown-it-terminal');
const show = (text) => new (it.default ?? it)().use(terminal.default ?? terminal).render(text).replace(/\x1b\[[0-9;]*m/g, '');
const lines = (text) => show(text).split('\n').map((line) => line.trim()).filter(Boolean);
const seen = ['1. log in\n   - user\n   - password\n2. deploy\n', '3. three\n4. four\n', '1. look\n\n   ```sh\n   ls\n   ```\n', '`&lt;b&gt;`\n\n```html\n&lt;b&gt;\n```\n'].map(lines);
console.log(seen);
assert.deepEqual(seen, [['1 log in', '2 user', '3 password', '4 deploy'], ['1 three', '2 four'], ['undefinedlook', 'ls'], ['<b>', '<b>']]);
JS
node show.cjs
echo "as described"
