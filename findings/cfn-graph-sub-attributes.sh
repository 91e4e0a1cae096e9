#!/usr/bin/env bash
# @cfn/graph 1.1.0 (npm, a CloudFormation template's resources in the order of their dependencies) does not see a dependency in ${B.Arn}.
# Seen on 2026-12-01.
#
# Expected: Fn::Sub with ${B.Arn} depends on B, as { "Fn::GetAtt": ["B", "Arn"] } does and ${B} does; ${!B} is literal text and depends on nothing.
# Seen:     the reference is to "B.Arn", and to "!B": resources that are not there. A stands behind B then, where it stands before it for a GetAtt. No error.
# So:       a tool that creates or deletes by the list deletes what is still in use, or creates it too late. Write Fn::GetAtt in an Fn::Join.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @cfn/graph@1.1.0
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const graph = require('@cfn/graph');
const order = (value) => graph({ template: { Resources: { B: { Type: 'AWS::SQS::Queue' }, A: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: value } } } } }).map((entry) => [entry.logicalId, entry.references]);
const seen = [{ 'Fn::GetAtt': ['B', 'Arn'] }, { 'Fn::Sub': '${B}' }, { 'Fn::Sub': '${B.Arn}' }, { 'Fn::Sub': 'literal ${!B}' }].map(order);
console.log(JSON.stringify(seen));
const before = [['A', ['B']], ['B', []]];
assert.deepEqual(seen.slice(0, 2), [before, before]);
assert.deepEqual(seen[2].find(([name]) => name === 'A')[1], ['B.Arn']);
assert.deepEqual(seen[2].map(([name]) => name), ['B', 'A']);
assert.deepEqual(seen[3].find(([name]) => name === 'A')[1], ['!B']);
JS
node look.cjs
echo "as described"
