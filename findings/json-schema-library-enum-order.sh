#!/usr/bin/env bash
# json-schema-library 11.6.2 (npm) refuses an object of an `enum` when its members come in another order.
# Seen on 2026-11-30.
#
# Expected: two objects are equal when they have the same members, in whatever order; `const` and `uniqueItems` hold it so.
# Seen:     with `enum: [{"from": 1, "to": 2}]` the value {"to": 2, "from": 1} is an error, while `const` with that object takes it. An
#           object inside a list is looked at in the same way. @cfworker/json-schema 4.1.6 takes all of them.
# So:       the same lesson file is valid or not by how its YAML was sorted; write `oneOf` with `const` instead of such an enum.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts json-schema-library@11.6.2 @cfworker/json-schema@4.1.6
cat > order.mjs <<'JS'
import assert from 'node:assert/strict';
import { compileSchema } from 'json-schema-library';
import { Validator } from '@cfworker/json-schema';
const one = { from: 1, to: 2 }, other = { to: 2, from: 1 };
for (const [schema, value, seen] of [[{ enum: [one] }, one, true], [{ enum: [one] }, other, false], [{ enum: [[one]] }, [other], false],
  [{ const: one }, other, true], [{ uniqueItems: true }, [one, other], false]]) {
  const valid = compileSchema(schema).validate(value).valid, second = new Validator(schema, '2020-12').validate(value).valid;
  console.log(JSON.stringify(schema), JSON.stringify(value), valid, second);
  assert.equal(valid, seen);
  assert.equal(second, !schema.uniqueItems);
}
JS
node order.mjs
echo "as described"
