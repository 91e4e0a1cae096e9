#!/usr/bin/env bash
# just-diff 6.0.2 (npm) with its jsonPatchPathConverter writes a patch that changes another member.
# Seen on 2026-11-30.
#
# Expected: "generate diffs in the JSON Patch format" (RFC 6902): in a path `/` inside a name is `~1` and `~` is `~0`.
# Seen:     names are joined as they are. Between two OpenAPI files the change of `paths` / `/users/me` has the path
#           `/paths//users/me`, and rfc6902 5.4.0 says MissingError; where there is an `a` with a `b` beside the name `a/b`, it
#           changes that one and says that all went well. A `~1` in a name becomes a slash for the reader.
#           just-diff-apply 5.5.0 with its own converter does the same.
# So:       do not use the converter where names may hold `/` or `~` (API paths, globs, ARNs, labels as kubernetes.io/name); write
#           the path from just-diff's own array, with both replaced.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts just-diff@6.0.2 just-diff-apply@5.5.0 rfc6902@5.4.0
cat > patch.cjs <<'JS'
const assert = require('node:assert/strict');
const { diff, jsonPatchPathConverter } = require('just-diff');
const apply = require('just-diff-apply');
const { applyPatch, createPatch } = require('rfc6902');
const before = { a: { b: 1 }, 'a/b': 1 }, after = { a: { b: 1 }, 'a/b': 2 };
const patch = diff(before, after, jsonPatchPathConverter);
console.log(patch, createPatch(before, after));
const one = structuredClone(before), two = structuredClone(before);
assert.deepEqual(applyPatch(one, patch), [null]);
apply.diffApply(two, patch, apply.jsonPatchPathConverter);
console.log(one, two);
assert.deepEqual(one, { a: { b: 2 }, 'a/b': 1 });
assert.deepEqual(two, one);
const api = diff({ paths: { '/users/me': 1 } }, { paths: { '/users/me': 2 } }, jsonPatchPathConverter);
assert.equal(api[0].path, '/paths//users/me');
assert.equal(applyPatch({ paths: { '/users/me': 1 } }, api)[0].name, 'MissingError');
JS
node patch.cjs
echo "as described"
