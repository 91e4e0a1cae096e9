#!/usr/bin/env bash
# cfn-resolver-lib 1.1.8 (npm, a CloudFormation template with its values filled in, for unit tests) takes the other branch of a condition.
# Seen on 2026-12-01.
#
# Expected: what a test asserts on is what would be deployed: CloudFormation compares texts, so the number parameter with the default 3
#           equals '3', and a property that comes out as AWS::NoValue is not there.
# Seen:     3 and '3' are not equal, whether 3 is the default or handed over, so Fn::If takes its second value; with 3 in the condition they
#           are. The property is there, and is the text "AWS::NoValue". No error; Fn::Equals and Fn::If are on its list of what it knows.
# So:       tests pass on a stack that is another one in AWS, or fail on a right one. Hand number parameters over as texts, and take
#           "AWS::NoValue" out of the result before comparing.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cfn-resolver-lib@1.1.8
cat > resolve.cjs <<'JS'
const assert = require('node:assert/strict');
const Evaluator = require('cfn-resolver-lib');
const template = {
  Parameters: { Env: { Type: 'String', Default: 'prod' }, Count: { Type: 'Number', Default: 3 } },
  Conditions: {
    Prod: { 'Fn::Equals': [{ Ref: 'Env' }, 'prod'] },
    Text: { 'Fn::Equals': [{ Ref: 'Count' }, '3'] },
    Number: { 'Fn::Equals': [{ Ref: 'Count' }, 3] },
  },
  Resources: { Bucket: { Type: 'AWS::S3::Bucket', Properties: {
    prod: { 'Fn::If': ['Prod', 'yes', 'no'] },
    text: { 'Fn::If': ['Text', 'yes', 'no'] },
    number: { 'Fn::If': ['Number', 'yes', 'no'] },
    none: { 'Fn::If': ['Prod', { Ref: 'AWS::NoValue' }, 'no'] },
  } } },
};
const resolve = (values) => ({ ...new Evaluator(template, { RefResolvers: values }).evaluateNodes().Resources.Bucket.Properties });
const seen = { prod: 'yes', text: 'no', number: 'yes', none: 'AWS::NoValue' };
console.log(resolve({}));
assert.deepEqual(resolve({}), seen);
assert.deepEqual(resolve({ Count: 3 }), seen);
assert.deepEqual(resolve({ Count: '3' }), { ...seen, text: 'yes', number: 'no' });
JS
node resolve.cjs
echo "as described"
