#!/usr/bin/env bash
# msee 0.3.5 (npm, Markdown in a terminal) puts a list inside a list, and a code block inside one, into one line.
# Seen on 2026-12-01.
#
# Expected: bullets beneath a step are lines of their own, indented; a code block in a step keeps its lines; a list that begins at 3 begins at 3;
#           a numbered list stays numbered; `[text][r]` is shown as its text.
# Seen:     "log in user password" on one line, and the numbers are gone: a list with a list in it has stars. The two commands of a block are
#           one line, "ls cd x". 3. and 4. are 1. and 2.; the link stays as it is written.
# So:       a lesson's commands cannot be told from its text. Keep lists flat and code outside of them, or use cli-markdown 3.5.1, which has all this.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts msee@0.3.5 cli-markdown@3.5.1
cat > show.mjs <<'JS'
import assert from 'node:assert/strict';
import msee from 'msee';
import other from 'cli-markdown';
const lines = (show, text) => show(text).replace(/\x1b\[[0-9;]*m/g, '').split('\n').map((line) => line.trimEnd()).filter(Boolean);
const texts = ['1. log in\n   - user\n   - password\n2. deploy\n', '- step\n\n  ```sh\n  ls\n  cd x\n  ```\n', '3. three\n4. four\n', '[text][r]\n\n[r]: https://e.example/\n'];
const seen = texts.map((text) => lines(msee.parse, text)), second = texts.map((text) => lines(other, text));
console.log(seen, second);
assert.deepEqual(seen.map((all) => all.map((line) => line.trim().replace(/ +/g, ' '))),
  [['* log in user password', '* deploy'], ['* step ls cd x'], ['1. three', '2. four'], ['[text][r]']]);
assert.equal(second[0].length, 4);
assert.match(second[2][0], /3\. three/);
JS
node show.mjs
echo "as described"
