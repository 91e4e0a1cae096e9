#!/usr/bin/env bash
# json-diff-ts 4.10.4 (npm): a changeset that went through atomizeChangeset() and back removes the wrong entries of a list.
# Seen on 2026-11-30.
#
# Expected: unatomizeChangeset(atomizeChangeset(changes)) makes of the document what `changes` makes of it; atomic changes are what
#           one stores, filters and sends.
# Seen:     where a list loses two entries or more, each is removed at its old place after those before it have moved up: from
#           [1,2,3] to [] leaves [2], from [a,b,c,d,e] to [a,b] leaves [a,b,d], and from [a,b,c,d] to [a,d] [a,d,d]. Without the
#           detour it is right. No error.
# So:       turn the atomic changes of one list round before they go back, or give lists a key (embeddedObjKeys).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts json-diff-ts@4.10.4
cat > atomize.mjs <<'JS'
import assert from 'node:assert/strict';
import { applyChangeset, atomizeChangeset, diff, unatomizeChangeset } from 'json-diff-ts';
for (const [before, after, seen] of [['abc', '', 'b'], ['abcde', 'ab', 'abd'], ['abcd', 'ad', 'add'], ['abc', 'ab', 'ab']]) {
  const [one, other] = [{ steps: [...before] }, { steps: [...after] }];
  const changes = diff(one, other);
  const straight = applyChangeset(structuredClone(one), changes);
  const detour = applyChangeset(structuredClone(one), unatomizeChangeset(atomizeChangeset(changes)));
  const turned = applyChangeset(structuredClone(one), unatomizeChangeset(atomizeChangeset(changes).reverse()));
  console.log(one.steps, other.steps, straight.steps, detour.steps, turned.steps);
  assert.deepEqual(straight, other);
  assert.deepEqual(turned, other);
  assert.equal(detour.steps.join(''), seen);
}
JS
node atomize.mjs
echo "as described"
