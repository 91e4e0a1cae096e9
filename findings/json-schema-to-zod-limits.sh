#!/usr/bin/env bash
# @dmitryrechkin/json-schema-to-zod 1.0.1 (npm, a Zod schema of a JSON Schema at run time) leaves limits out and refuses what is not forbidden.
# Seen on 2026-12-01.
#
# Expected: the two schemas take the same values, or a keyword that it does not know is an error.
# Seen:     minimum, maximum, minLength, pattern, multipleOf, const, and enum for numbers are not there: 7 passes "maximum": 5. An object with a
#           member more is refused though the schema has no additionalProperties, which in JSON Schema allows it. No error. @composio/json-schema-to-zod
#           0.3.3 has the limits, and refuses the member as well.
# So:       values out of range come through, and a sender's new field breaks the reader. Validate with ajv, or write "additionalProperties": true and limits
#           in Zod.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @dmitryrechkin/json-schema-to-zod@1.0.1 @composio/json-schema-to-zod@0.3.3 ajv@8.17.1 zod@3.25.76
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import Ajv from 'ajv';
import { JSONSchemaToZod } from '@dmitryrechkin/json-schema-to-zod';
import { jsonSchemaToZod } from '@composio/json-schema-to-zod';
const ajv = new Ajv.default({ strict: false });
const named = { type: 'object', properties: { name: { type: 'string' } } };
for (const [schema, value, right, first, second] of [
  [{ type: 'integer', minimum: 1, maximum: 5 }, 7, false, true, false],
  [{ type: 'string', minLength: 3 }, 'a', false, true, false],
  [{ type: 'string', pattern: '^a' }, 'b', false, true, false],
  [{ type: 'number', enum: [1, 2] }, 3, false, true, false],
  [{ const: 0 }, 1, false, true, false],
  [{ type: 'number', multipleOf: 2 }, 3, false, true, false],
  [named, { name: 'x', age: 1 }, true, false, false],
  [{ ...named, required: ['name'] }, {}, false, false, false],
]) {
  const seen = [ajv.validate(schema, value), JSONSchemaToZod.convert(schema).safeParse(value).success, jsonSchemaToZod(schema).safeParse(value).success];
  console.log(JSON.stringify(schema), JSON.stringify(value), seen.join(' '));
  assert.deepEqual(seen, [right, first, second]);
}
JS
node check.mjs
echo "as described"
