#!/usr/bin/env bash
# @opentf/obj-diff 0.11.0 (npm, differences of objects, and objects from differences) never makes an array shorter.
# Seen on 2026-12-01.
#
# Expected: patch(a, diff(a, b)) is b.
# Seen:     each element that is gone leaves a hole: [1, 2, 3, 4, 5] to [2, 4] gives an array of five, of which three are empty, and as JSON [2, 4, null, null, null].
#           Longer arrays, keys and types are right.
# So:       a list that lost an entry on one side has a null in it on the other, and its length is wrong. Compare the result with b, or use
#           jsondiffpatch.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @opentf/obj-diff@0.11.0 jsondiffpatch@0.6.0
cat > look.mjs <<'JS'
import assert from 'node:assert/strict';
import { diff, patch } from '@opentf/obj-diff';
import * as peer from 'jsondiffpatch';
for (const [a, b, seen] of [[[1, 2, 3, 4, 5], [2, 4], '[2,4,null,null,null]'], [{ steps: [{ id: 1 }, { id: 2 }] }, { steps: [{ id: 2 }] }, '{"steps":[{"id":2},null]}'],
  [[1], [1, 2], '[1,2]'], [{ a: 1 }, { b: null }, '{"b":null}']]) {
  const after = JSON.stringify(patch(structuredClone(a), diff(a, b)));
  console.log(JSON.stringify(a), JSON.stringify(b), after);
  assert.equal(after, seen);
  assert.deepEqual(peer.patch(structuredClone(a), peer.diff(a, b)), b);
}
JS
node look.mjs
echo "as described"
