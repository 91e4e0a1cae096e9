#!/usr/bin/env bash
# convert-lambda-to-express 1.3.1 (npm, a Lambda function behind a local Express server) takes the last value out of each query parameter's list.
# Seen on 2026-12-01.
#
# Expected: the function gets the event that API Gateway sends: for ?x=1&x=2&y=z multiValueQueryStringParameters is {x: ["1", "2"], y: ["z"]}. Its answer is
#           sent as API Gateway does: a body with isBase64Encoded is decoded, and two Set-Cookie of multiValueHeaders are two headers.
# Seen:     the lists are ["1"] and []: the value that goes to queryStringParameters is missing in them. The body arrives as base64, and the cookies as one
#           header, "a=1, b=2", of which a browser keeps a. No error.
# So:       code that reads the lists sees no parameters here and is right in AWS; a picture is a text. Test such functions behind sam local or another server.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts convert-lambda-to-express@1.3.1 express@4.21.2
cat > serve.cjs <<'JS'
const assert = require('node:assert/strict');
const express = require('express');
const { wrapLambda } = require('convert-lambda-to-express');
let event;
const handler = async (received) => {
  event = received;
  return { statusCode: 404, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] }, body: Buffer.from('hello').toString('base64'), isBase64Encoded: true };
};
const quiet = { info() {}, warn() {}, error() {}, debug() {} };
const app = express();
app.all('*', wrapLambda(handler, { logger: quiet }));
const server = app.listen(0, '127.0.0.1', async () => {
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/list?x=1&x=2&y=z`);
  const body = await answer.text();
  console.log(answer.status, body, answer.headers.getSetCookie(), event.queryStringParameters, event.multiValueQueryStringParameters);
  assert.equal(answer.status, 404);
  assert.equal(body, 'aGVsbG8=');
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1, b=2']);
  assert.deepEqual(event.queryStringParameters, { x: '2', y: 'z' });
  assert.deepEqual(event.multiValueQueryStringParameters, { x: ['1'], y: [] });
  server.close();
});
JS
timeout 60 node serve.cjs
echo "as described"
