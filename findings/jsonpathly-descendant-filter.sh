#!/usr/bin/env bash
# jsonpathly 3.0.0 (npm, JSONPath) does not look into arrays with `$..[?…]`.
# Seen on 2026-12-01.
#
# Expected: `$..[?@.ok==false]` finds each such member and element at any depth: `..` goes through objects and arrays, and a filter tests the
#           children of both (RFC 9535, 2.3.5 and 2.5.2). jsonpath-rfc9535 1.3.0 (npm) does so.
# Seen:     only the members of objects are tested. Of a list of steps with `ok` false nothing is found, whether the list is at the top or
#           deep; no error. `$..*[?…]` and `$..steps[?…]` find them, and `$..[0]` and `$..[*]` take arrays too.
# So:       "no failed step" is what one reads when the failed ones are in a list. Name the list, or write `$..*[?…]` beside it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jsonpathly@3.0.0 jsonpath-rfc9535@1.3.0
cat > find.mjs <<'JS'
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import * as rfc from 'jsonpath-rfc9535';
const jsonpathly = createRequire(import.meta.url)('jsonpathly');
const report = { steps: [{ id: 1, ok: false, parts: [{ id: 2, ok: false }, { id: 3, ok: true }] }], last: { id: 4, ok: false } };
const found = (path) => jsonpathly.query(report, path, { returnArray: true }).map((each) => each.id ?? each);
const right = (path) => (rfc.query ?? rfc.default.query)(report, path).map((each) => each.id ?? each);
const compare = (path, one, other) => {
  console.log(path, found(path), right(path).sort());
  assert.deepEqual([found(path).sort(), right(path).sort()], [one, other]);
};
compare('$..[?@.ok==false]', [4], [1, 2, 4]);
compare('$..[?(@.ok==false)]', [4], [1, 2, 4]);
compare('$..steps[?@.ok==false]', [1], [1]);
compare('$..parts[?@.ok==false]', [2], [2]);
compare('$..[0]', [1, 2], [1, 2]);
JS
node find.mjs
echo "as described"
