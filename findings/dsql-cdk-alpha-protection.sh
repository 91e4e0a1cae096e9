#!/usr/bin/env bash
# @aws-cdk/aws-dsql-alpha 2.260.0-alpha.0 (npm, the CDK's construct for Aurora DSQL) leaves deletion protection out.
#
# Expected: its own documentation says that protection is on where the removal policy is RETAIN, and that RETAIN is the
#           removal policy where none is named: so `new Cluster(this, 'Cluster')` would be protected in the template.
# Seen:     DeletionPolicy is Retain, DeletionProtectionEnabled is absent. Only when RETAIN is written out in the code does
#           the property appear.
# So:       write `deletionProtection` in each cluster, true or false, and a check of templates (cfn-guard and its like)
#           that asks for the property passes as well.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @aws-cdk/aws-dsql-alpha@2.260.0-alpha.0 aws-cdk-lib@2.260.0 constructs@10.5.0
cat > stack.cjs <<'JS'
const assert = require('node:assert/strict');
const { App, RemovalPolicy, Stack } = require('aws-cdk-lib');
const { Cluster } = require('@aws-cdk/aws-dsql-alpha');

const app = new App({ outdir: 'out' });
const stack = new Stack(app, 'Bank');
new Cluster(stack, 'Silent');
new Cluster(stack, 'Told', { removalPolicy: RemovalPolicy.RETAIN });
const clusters = Object.entries(app.synth().getStackByName('Bank').template.Resources)
  .filter(([, it]) => it.Type === 'AWS::DSQL::Cluster')
  .map(([name, it]) => [name.slice(0, 4), it.DeletionPolicy, it.Properties?.DeletionProtectionEnabled]);
console.log(clusters);
assert.deepEqual(clusters, [['Sile', 'Retain', undefined], ['Told', 'Retain', true]]);
JS
node stack.cjs
tr -s ' \n*' ' ' < node_modules/@aws-cdk/aws-dsql-alpha/lib/cluster.d.ts > documentation.txt
grep -q '@default - Retain cluster' documentation.txt
grep -q '@default - true if `removalPolicy` is RETAIN' documentation.txt
echo "as described"
