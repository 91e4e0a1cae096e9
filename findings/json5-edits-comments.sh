#!/usr/bin/env bash
# golden-fleece 1.0.9 and jju 1.4.0 (npm, change JSON5 and keep its comments) put a deleted entry's comment beside the entry before it.
# Seen on 2026-12-01.
#
# Expected: with b taken out of {a: 1, // one  b: 2, // two  c: 3} the comment "one" stays behind a and "two" goes with b.
# Seen:     golden-fleece's patch() and jju's update() both leave "a: 1, // two".
# So:       a settings file that a tool edits says something false, and reads as if a person had written it. Use comment-json, which moves comments with their keys.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts golden-fleece@1.0.9 jju@1.4.0 comment-json@4.4.1
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const source = '{\n  "a": 1, // one\n  "b": 2, // two\n  "c": 3 // three\n}';
const wanted = { a: 1, c: 3 };
const fleece = require('golden-fleece').patch(source, wanted);
const jju = require('jju').update(source, wanted, { mode: 'json5' });
const comments = require('comment-json');
const object = comments.parse(source); delete object.b;
const peer = comments.stringify(object, null, 2);
console.log(fleece); console.log(jju); console.log(peer);
for (const text of [fleece, jju]) assert.match(text, /"?a"?: 1, \/\/ two/);
assert.match(peer, /"a": 1,? \/\/ one/);
assert.ok(!peer.includes('// two'));
JS
node look.cjs
echo "as described"
