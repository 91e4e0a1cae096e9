#!/usr/bin/env bash
# lambda-local 2.2.0 (npm, runs a Lambda function on this machine) leaves the environment of one call to the next.
# Seen on 2026-12-01.
#
# Expected: `environment: { STAGE: 'test' }` is for the call it is given to; a call without it does not know STAGE, and neither does the program that
#           made the calls. In Lambda each function has its own.
# Seen:     the second call's function reads STAGE as 'test', and process.env has it, AWS_REGION and the first function's name from then on. What a
#           function throws is handed on as an object that is no Error.
# So:       a test that forgets to set a variable passes behind one that did, and fails alone or in another order; SDK clients of the tests
#           themselves go to the region us-east-1. Keep a copy of process.env and put it back after each call.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts lambda-local@2.2.0
cat > handler.cjs <<'JS'
exports.handler = async (event) => { if (event.fail) throw new TypeError('no'); return process.env.STAGE ?? 'none'; };
JS
cat > calls.cjs <<'JS'
const assert = require('node:assert/strict'), path = require('node:path'), lambda = require('lambda-local');
const call = (more) => lambda.execute({ event: {}, lambdaPath: path.resolve('handler.cjs'), timeoutMs: 3000, verboseLevel: 0, ...more });
(async () => {
  delete process.env.AWS_REGION;
  const seen = [await call(), await call({ environment: { STAGE: 'test' } }), await call()];
  const thrown = await call({ event: { fail: true } }).catch((problem) => problem);
  console.log(seen, process.env.STAGE, process.env.AWS_REGION, thrown.errorType, thrown instanceof Error);
  assert.deepEqual(seen, ['none', 'test', 'test']);
  assert.deepEqual([process.env.STAGE, process.env.AWS_REGION], ['test', 'us-east-1']);
  assert.deepEqual([thrown.errorType, thrown instanceof Error], ['TypeError', false]);
})();
JS
node calls.cjs
echo "as described"
