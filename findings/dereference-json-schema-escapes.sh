#!/usr/bin/env bash
# dereference-json-schema 0.2.3 (npm) leaves nothing of a $ref whose name has a slash, a space or a percent sign in it.
# Seen on 2026-12-01.
#
# Expected: in a pointer `~1` is a slash, and `%20` in a $ref is a space (RFC 6901): "#/definitions/a~1b" is the schema named "a/b"; what cannot be
#           found is an error. What stands beside a $ref, as a description, stays (since 2019-09).
# Seen:     the property is undefined, which JSON.stringify drops: no error. "#/definitions/plain" is put in, and the description beside it is gone.
# So:       the property may be anything from then on. OpenAPI's paths ("#/paths/~1users/get") and generics (List%3CUser%3E) have such names: use
#           @apidevtools/json-schema-ref-parser there, or name definitions with letters alone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts dereference-json-schema@0.2.3
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const { dereferenceSync } = require('dereference-json-schema');
const { properties } = dereferenceSync({
  definitions: { 'a/b': { type: 'number' }, 'x y': { type: 'string' }, plain: { type: 'boolean' } },
  properties: { slash: { $ref: '#/definitions/a~1b' }, space: { $ref: '#/definitions/x%20y' }, plain: { $ref: '#/definitions/plain', description: 'on?' } },
});
console.log(properties);
assert.ok(properties.slash == null && properties.space == null);
assert.deepEqual(properties.plain, { type: 'boolean' });
JS
node read.cjs
echo "as described"
