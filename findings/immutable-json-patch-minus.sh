#!/usr/bin/env bash
# immutable-json-patch 6.0.3 (npm) takes a member named "-" for the end of an array: it changes nothing, or adds "undefined".
# Seen on 2026-11-30.
#
# Expected: `-` means "behind the last entry" in an array only; in an object it is a name like any other (RFC 6901, 4), as in a
#           table of diff marks or of operators.
# Seen:     "replace" and "remove" of /marks/- leave the document as it was, and "add" makes a member named "undefined". Nothing is
#           thrown, and the same patch's other changes are made. rfc6902 5.4.0 does all three.
# So:       look at the result of a patch that may come across such a name, or use another library.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts immutable-json-patch@6.0.3 rfc6902@5.4.0
cat > minus.mjs <<'JS'
import assert from 'node:assert/strict';
import { immutableJSONPatch } from 'immutable-json-patch';
import { applyPatch } from 'rfc6902';
for (const [op, right, seen] of [
  ['replace', { '+': 'new', '-': 'x' }, { '+': 'new', '-': 'removed' }],
  ['add', { '+': 'new', '-': 'x' }, { '+': 'new', '-': 'removed', undefined: 'x' }],
  ['remove', { '+': 'new' }, { '+': 'new', '-': 'removed' }],
]) {
  const marks = { marks: { '+': 'added', '-': 'removed' } };
  const patch = [{ op: 'replace', path: '/marks/+', value: 'new' }, { op, path: '/marks/-', value: 'x' }];
  const other = structuredClone(marks);
  assert.deepEqual(applyPatch(other, patch), [null, null]);
  const result = immutableJSONPatch(marks, patch);
  console.log(op, result, other);
  assert.deepEqual(other, { marks: right });
  assert.deepEqual(result, { marks: seen });
}
JS
node minus.mjs
echo "as described"
