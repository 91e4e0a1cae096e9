#!/usr/bin/env bash
# @aws-lambda-powertools/jmespath 2.36.0 (npm, AWS's own) turns 0, false and the empty text into null in map() and not_null().
# Seen on 2026-12-01.
#
# Expected: map(&left, @) of items with 0, false and "" gives these, and not_null(a, b) the first that is not null, so 0 where a is 0;
#           JMESPath says so, and jmespath 0.16.0 (npm) does it.
# Seen:     both answer null for each of the three; not_null() does not even go on to the next argument. A plain projection ([].left) and
#           `||` are right. No error.
# So:       in idempotency keys and validation envelopes, which are JMESPath, "none left" is the same as "not there": two events
#           that differ in 0 and null get one key. Write [].left for map(), and do without
#           not_null() where 0 may come.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @aws-lambda-powertools/jmespath@2.36.0 jmespath@0.16.0
cat > search.mjs <<'JS'
import assert from 'node:assert/strict';
import { search } from '@aws-lambda-powertools/jmespath';
import reference from 'jmespath';
const event = { retries: 0, dry: false, note: '', fallback: 7, steps: [{ left: 0 }, { left: false }, { left: '' }, { left: 3 }] };
const compare = (query, powertools, other) => {
  const found = search(query, event), right = reference.search(event, query);
  console.log(query, JSON.stringify(found), JSON.stringify(right));
  assert.deepEqual([found, right], [powertools, other]);
};
compare('map(&left, steps)', [null, null, null, 3], [0, false, '', 3]);
compare('not_null(missing, retries, fallback)', null, 0);
compare('not_null(missing, dry)', null, false);
compare('not_null(note, fallback)', null, '');
compare('steps[].left', [0, false, '', 3], [0, false, '', 3]);
JS
node search.mjs
echo "as described"
