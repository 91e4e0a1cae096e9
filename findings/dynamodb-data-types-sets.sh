#!/usr/bin/env bash
# dynamodb-data-types 4.0.1 (npm, values as DynamoDB's typed JSON and back) makes an empty set of an empty list, which DynamoDB refuses.
# Seen on 2026-12-01.
#
# Expected: a list is a list: [] is {"L": []}, and [2, 1, 2] has its 2 twice. The API's reference: sets are of unique values, and none is empty.
# Seen:     every list of numbers or of texts alone is written as a set: [] as {"NS": []}, [2, 1, 2] as {"NS": ["2", "1", "2"]}, ["a", "a"] as SS.
#           The service answers both with ValidationException. Lists of both kinds, [1, "a"], are lists; a Date is an empty map.
# So:       it works until the last entry is taken out of a list, or two are the same, and a set that was stored forgets its order. Use AWS's own
#           marshall of @aws-sdk/util-dynamodb.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts dynamodb-data-types@4.0.1
cat > wrap.cjs <<'JS'
const assert = require('node:assert/strict');
const { AttributeValue } = require('dynamodb-data-types');
const item = { twice: [2, 1, 2], none: [], texts: ['a', 'a'], mixed: [1, 'a'], at: new Date(0) };
const seen = AttributeValue.wrap(item);
console.log(JSON.stringify(seen));
assert.deepEqual(seen, { twice: { NS: ['2', '1', '2'] }, none: { NS: [] }, texts: { SS: ['a', 'a'] }, mixed: { L: [{ N: '1' }, { S: 'a' }] }, at: { M: {} } });
JS
node wrap.cjs
echo "as described"
