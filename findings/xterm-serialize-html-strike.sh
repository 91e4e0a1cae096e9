#!/usr/bin/env bash
# @xterm/addon-serialize 0.14.0 (npm, with @xterm/headless 6.0.0): serializeAsHTML() loses the underline of text that is also struck through.
# Seen on 2026-12-01.
#
# Expected: "retain its colors/styles": a cell with `CSI 4;9 m` has both lines on the page, as one with `CSI 4;53 m` has its underline and
#           its overline, and as serialize() writes it.
# Seen:     text-decoration twice in one style attribute, "underline" and then "line-through"; in CSS the later one counts alone. The
#           overline of `CSI 53;9 m` goes the same way. (Underline and overline together are one property with two words.)
# So:       a screenshot of a task list or a diff that marks removed words with both shows one of them. Put the words of a doubled
#           text-decoration together before the page is shown.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @xterm/headless@6.0.0 @xterm/addon-serialize@0.14.0
cat > page.cjs <<'JS'
const assert = require('node:assert/strict');
const { Terminal } = require('@xterm/headless');
const { SerializeAddon } = require('@xterm/addon-serialize');
const show = (codes) => new Promise((done) => {
  const terminal = new Terminal({ cols: 10, rows: 1, allowProposedApi: true }), addon = new SerializeAddon();
  terminal.loadAddon(addon);
  terminal.write(`\x1b[${codes}mold\x1b[0m`, () => {
    const style = addon.serializeAsHTML().match(/<span style='([^']*)'>old/)[1];
    console.log(codes.padEnd(5), style, '|', JSON.stringify(addon.serialize()));
    done([style.split(';').map((part) => part.trim()).filter(Boolean), addon.serialize()]);
  });
});
(async () => {
  assert.deepEqual((await show('4'))[0], ['text-decoration: underline']);
  assert.deepEqual((await show('9'))[0], ['text-decoration: line-through']);
  assert.deepEqual((await show('4;53'))[0], ['text-decoration: overline underline']);
  for (const [codes, first] of [['4;9', 'underline'], ['53;9', 'overline']]) {
    const [style, again] = await show(codes);
    assert.deepEqual(style, [`text-decoration: ${first}`, 'text-decoration: line-through']);
    assert.ok(again.startsWith(`\x1b[${codes}mold`));
  }
})();
JS
node page.cjs
echo "as described"
