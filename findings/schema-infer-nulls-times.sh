#!/usr/bin/env bash
# @jsonhero/schema-infer 0.1.5 (npm, a JSON Schema from samples) makes schemas that refuse the sample.
# Seen on 2026-12-01.
#
# Expected: the sample that it was made from is valid, for ajv 8.17.1 with ajv-formats.
# Seen:     a null beside two other types is left out: of [1, null, "x"] only integer and string are allowed, and so for a key that is null in one of three
#           objects. "12:30" gets the format time and "2026-01-01T10:00:00" date-time, which both need a zone by RFC 3339. Null beside one type is right.
#           lodash must be installed beside it; it is not among the dependencies.
# So:       data like that of the sample is refused as soon as the schema is used. Add "null" to such types, and take the formats out.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @jsonhero/schema-infer@0.1.5 lodash@4.17.21 ajv@8.17.1 ajv-formats@3.0.1
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { inferSchema } = require('@jsonhero/schema-infer');
const Ajv = require('ajv/dist/2020').default;
const formats = require('ajv-formats').default;
for (const [sample, seen] of [[[1, null, 'x'], false], [[{ a: 1 }, { a: null }, { a: 'x' }], false], [[{ a: 1 }, { a: null }], true], [{ at: '12:30' }, false], [{ at: '2026-01-01T10:00:00' }, false],
  [{ a: null }, true], [{ at: '2026-01-01', l: [1, 'x'] }, true]]) {
  const { $schema, ...schema } = inferSchema(sample).toJSONSchema();
  const ajv = formats(new Ajv({ strict: false }));
  const valid = ajv.validate(schema, sample);
  console.log(JSON.stringify(sample), JSON.stringify(schema), valid);
  assert.equal(valid, seen);
}
JS
node look.cjs
echo "as described"
