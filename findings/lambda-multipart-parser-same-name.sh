#!/usr/bin/env bash
# lambda-multipart-parser 1.0.1 (npm, forms sent to a Lambda function) keeps the last of several fields of one name.
# Seen on 2026-12-01.
#
# Expected: a form with two checkboxes `topic` that are ticked, or a <select multiple>, sends the name twice: both values arrive, as files of one
#           name do in the package's own list.
# Seen:     { topic: "queries" }: the first is overwritten, without a word.
# So:       a survey counts one answer of each person. Name the fields topic1, topic2, or read the body with busboy itself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts lambda-multipart-parser@1.0.1
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const { parse } = require('lambda-multipart-parser');
(async () => {
  const form = new FormData();
  form.append('topic', 'keys');
  form.append('topic', 'queries');
  form.append('file', new Blob(['a']), 'a.txt');
  form.append('file', new Blob(['b']), 'b.txt');
  const request = new Request('https://e.example/', { method: 'POST', body: form });
  const event = { headers: { 'Content-Type': request.headers.get('content-type') }, body: Buffer.from(await request.arrayBuffer()).toString('base64'), isBase64Encoded: true };
  const seen = await parse(event);
  console.log(seen);
  assert.equal(seen.topic, 'queries');
  assert.deepEqual(seen.files.map((file) => file.filename), ['a.txt', 'b.txt']);
  assert.deepEqual((await new Response(Buffer.from(event.body, 'base64'), { headers: event.headers }).formData()).getAll('topic'), ['keys', 'queries']);
})();
JS
node read.cjs
echo "as described"
