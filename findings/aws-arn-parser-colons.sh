#!/usr/bin/env bash
# aws-arn-parser 1.0.1 (npm) loses the name in an ARN whose resource has a colon, which Lambda, RDS, CloudWatch Logs and others have.
# Seen on 2026-12-01.
#
# Expected: what follows the account is the resource, colons and all: function:my-fn:prod, log-group:/aws/lambda/my-fn:*; so
#           @aws-sdk/util-arn-parser 3.972.55 (npm) has it.
# Seen:     `relativeId` is the first word only ("function", "log-group", "cluster"), and the last word stands under the name
#           "undefined". What is between is nowhere: of a function with an alias the function's name. No error.
# So:       every function has the same `relativeId`. Use the SDK's parser; with this one only ARNs with a slash (DSQL's cluster/…) are whole.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aws-arn-parser@1.0.1 @aws-sdk/util-arn-parser@3.972.55
cat > parse.cjs <<'JS'
const assert = require('node:assert/strict');
const parser = require('aws-arn-parser');
const sdk = require('@aws-sdk/util-arn-parser');
const parse = parser.default ?? parser;
const prefix = (service) => `arn:aws:${service}:us-east-1:123456789012:`;
for (const [service, resource, id, rest] of [
  ['lambda', 'function:my-fn', 'function', 'my-fn'],
  ['lambda', 'function:my-fn:prod', 'function', 'prod'],
  ['rds', 'cluster:orders', 'cluster', 'orders'],
  ['logs', 'log-group:/aws/lambda/my-fn:*', 'log-group', '*'],
  ['dsql', 'cluster/abcdefghijklmnopqrstuvwxyz', 'cluster/abcdefghijklmnopqrstuvwxyz', undefined],
]) {
  const found = parse(prefix(service) + resource);
  console.log(resource, JSON.stringify(found));
  assert.deepEqual([found.relativeId, found.undefined], [id, rest]);
  assert.equal(sdk.parse(prefix(service) + resource).resource, resource);
}
assert.ok(!JSON.stringify(parse(prefix('lambda') + 'function:my-fn:prod')).includes('my-fn'));
JS
node parse.cjs
echo "as described"
