#!/usr/bin/env bash
# three-way-merge 0.1.0 (npm): used as its page shows it, it drops one side's changes and reports no conflict.
# Seen on 2026-12-01.
#
# Expected: merge(base, left, right), as in the example on its page, where left takes out a line and right changes another, is a merge of
#           both without conflict; then joinedResult() gives the text.
# Seen:     the code's order is (left, base, right), and the method is joinedResults(). The page's own example is a conflict; and where only
#           left has changed something, the result is the base, `conflict` is false, and left's change is gone.
# So:       call merge(left, base, right), and try it with a change on one side only. node-diff3 3.2.1, whose order is (left, base, right)
#           on its page too, gives left's text.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts three-way-merge@0.1.0 node-diff3@3.2.1
tr '\n' ' ' < node_modules/three-way-merge/README.md | grep -q 'merge(base, left, right)'
cat > merge.mjs <<'JS'
import assert from 'node:assert/strict';
import module_ from 'three-way-merge';
import { merge as merge3 } from 'node-diff3';
const merge = module_.default ?? module_;
const lines = (...all) => all.join('\n');
const seen = (...texts) => {
  const merged = merge(...texts);
  console.log(merged.conflict, JSON.stringify(merged.joinedResults()));
  return [merged.conflict, merged.joinedResults()];
};
let base = lines(1, 2, 3, 4, 5, 6), left = lines(2, 3, 4, 5, 6), right = lines(1, 2, 3, 4, 9, 6);
assert.equal(merge(base, left, right).joinedResult, undefined);
assert.equal(seen(base, left, right)[0], true);
assert.deepEqual(seen(left, base, right), [false, lines(2, 3, 4, 9, 6)]);

base = right = 'connect\nselect 1;\nquit\n';
left = 'connect\nselect 2;\nquit\n';
assert.deepEqual(seen(base, left, right), [false, base]);
assert.deepEqual(seen(left, base, right), [false, left]);
assert.equal(merge3(left.split('\n'), base.split('\n'), right.split('\n')).result.join('\n'), left);
JS
node merge.mjs
echo "as described"
