#!/usr/bin/env bash
# djv 2.1.4 (npm, a JSON Schema validator) refuses values that fit the schema, and takes some that do not.
# Seen on 2026-12-01.
#
# Expected: as the drafts have it and ajv 8.17.1 does it: "1" and 1 are two values, `maximum` says nothing about a text, the
#           order of an object's members does not matter, false is not 0.
# Seen:     uniqueItems refuses ["1", 1] and takes two equal objects; maximum 1 refuses "5";
#           an enum's {"a": 1, "b": 2} is refused as {"b": 2, "a": 1}; enum [0] takes false.
# So:       answers depend on who wrote the JSON and how. Check a schema with another validator, too.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts djv@2.1.4 ajv@8.17.1
cat > check.cjs <<'JS'
const assert = require('node:assert/strict');
const djv = require('djv'), Ajv = require('ajv').default;
const first = (schema, value) => { const env = new djv({ version: 'draft-06' }); env.addSchema('it', schema); return env.validate('it', value) === undefined; };
const second = (schema, value) => new Ajv({ strict: false }).validate(schema, value);
const cases = [
  [{ uniqueItems: true }, ['1', 1], true], [{ maximum: 1 }, '5', true],
  [{ enum: [{ a: 1, b: 2 }] }, { b: 2, a: 1 }, true], [{ uniqueItems: true }, [{ a: 1, b: 2 }, { b: 2, a: 1 }], false], [{ enum: [0] }, false, false],
];
for (const [schema, value, right] of cases) {
  console.log(JSON.stringify(schema), JSON.stringify(value), 'djv:', first(schema, value), 'ajv:', second(schema, value));
  assert.equal(second(schema, value), right);
  assert.equal(first(schema, value), !right);
}
JS
node check.cjs
echo "as described"
