#!/usr/bin/env bash
# json-schema-merge-allof 0.8.1 (npm) makes of an allOf a schema that allows more, or less, than it did.
# Seen on 2026-11-30.
#
# Expected: the merged schema allows just what the allOf allows, or an error says that it cannot be said in one.
# Seen:     - dependencies {card: [number]} and {card: [owner]} become {card: [number]}: the second list is lost, and a document
#             without owner passes.
#           - the types integer-or-null and number-or-null become null alone: integers are refused. (Without null it ends in an
#             error, though every integer is a number.)
#           - two `contains`, one entry over 5 and one under 3, become one entry that is both, and no list passes.
#           No error in the three.
# So:       check examples against the allOf and against what came out (ajv 8.20.0 here) before the second replaces the first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts json-schema-merge-allof@0.8.1 ajv@8.20.0
cat > merge.cjs <<'JS'
const assert = require('node:assert/strict');
const merge = require('json-schema-merge-allof');
const Ajv = require('ajv').default;
const valid = (schema, value) => new Ajv({ strict: false }).validate(schema, value);
for (const [schema, value, before] of [
  [{ allOf: [{ dependencies: { card: ['number'] } }, { dependencies: { card: ['owner'] } }] }, { card: 1, number: 2 }, false],
  [{ allOf: [{ type: ['integer', 'null'] }, { type: ['number', 'null'] }] }, 7, true],
  [{ allOf: [{ contains: { minimum: 6 } }, { contains: { maximum: 2 } }] }, [1, 9], true],
]) {
  const merged = merge(schema);
  console.log(JSON.stringify(merged), JSON.stringify(value), valid(schema, value), valid(merged, value));
  assert.equal(valid(schema, value), before);
  assert.equal(valid(merged, value), !before);
}
assert.throws(() => merge({ allOf: [{ type: 'integer' }, { type: 'number' }] }), /Could not resolve values/);
JS
node merge.cjs
echo "as described"
