#!/usr/bin/env bash
# @xterm/addon-serialize 0.14.0 (npm, with @xterm/headless 6.0.0): a restored terminal scrolls the status line away.
# Seen on 2026-12-01.
#
# Expected: serialize() gives a string "that can be written back to the terminal to restore the state", cursor and modes too: what comes
#           after it looks in the new terminal (of the same size) as in the old one.
# Seen:     the screen is right, and then goes wrong with the next output: the scroll region (`CSI 1;4 r`, with which apt and progress bars
#           keep the last line), the saved cursor (`ESC 7`) and the line-drawing characters (`ESC ( 0`) are not in the string. With origin
#           mode (`CSI ? 6 h`), which is in it, the cursor stands at the top left: the mode is written last and moves it home.
# So:       a session that is taken up again on a page, or a recording cut at such a snapshot, draws over its own lines. Take snapshots
#           where the program is at its prompt, or send a full reset (`ESC c`) and let the program draw its screen again.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @xterm/headless@6.0.0 @xterm/addon-serialize@0.14.0
cat > again.cjs <<'JS'
const assert = require('node:assert/strict');
const { Terminal } = require('@xterm/headless');
const { SerializeAddon } = require('@xterm/addon-serialize');
const make = () => {
  const terminal = new Terminal({ cols: 16, rows: 5, allowProposedApi: true }), addon = new SerializeAddon();
  terminal.loadAddon(addon);
  return {
    write: (text) => new Promise((done) => terminal.write(text, done)),
    string: () => addon.serialize(),
    screen: () => Array.from({ length: 5 }, (_, y) => terminal.buffer.active.getLine(terminal.buffer.active.baseY + y).translateToString(true)),
  };
};
const cases = {
  plain: ['one\r\ntwo', 'x\r\nthree', ['one', 'twox', 'three', '', '']],
  region: ['\x1b[5;1Hstep 1 of 3\x1b[1;4r\x1b[1;1Hone\r\ntwo\r\nthree\r\nfour', '\r\nfive\r\nsix', ['two', 'three', 'four', 'five 1 of 3', 'six']],
  saved: ['one\x1b7\r\ntwo', '\x1b8X', ['Xne', 'two', '', '', '']],
  lines: ['\x1b(0lq', 'k', ['┌─k', '', '', '', '']],
  origin: ['\x1b[2;4r\x1b[?6h\x1b[2;3Hab', 'cd', ['cd', '', '  ab', '', '']],
};
(async () => {
  for (const [name, [before, after, seen]] of Object.entries(cases)) {
    const old = make(), fresh = make();
    await old.write(before);
    await fresh.write(old.string());
    assert.deepEqual(fresh.screen(), old.screen());
    await old.write(after);
    await fresh.write(after);
    console.log(name, '| went on:', JSON.stringify(old.screen()), '| restored:', JSON.stringify(fresh.screen()));
    assert.deepEqual(fresh.screen(), seen);
    assert[name === 'plain' ? 'deepEqual' : 'notDeepEqual'](old.screen(), seen);
    if (name === 'region') assert.equal(old.screen()[4], 'step 1 of 3');
  }
})();
JS
node again.cjs
echo "as described"
