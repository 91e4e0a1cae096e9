#!/usr/bin/env bash
# cdk-from-cfn 0.336.0 (npm, what writes CDK code from a template) refuses every property of a DSQL cluster.
#
# Expected: a template with an AWS::DSQL::Cluster becomes `new dsql.CfnCluster(…)` with its properties; it knows the type, the
#           CDK's module and the attribute `Endpoint`.
# Seen:     only a cluster without any property goes through. DeletionProtectionEnabled, Tags and MultiRegionProperties, all of
#           which the CDK's own CfnCluster has, are each "not a valid property", and nothing at all is written.
# So:       to bring a stack that was written by hand into the CDK, take the cluster's properties out, convert, and write
#           them into the code again; or include the template as it is with CfnInclude.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cdk-from-cfn@0.336.0 aws-cdk-lib@2.260.0 constructs@10.5.0
cat > convert.mjs <<'JS'
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as converter from 'cdk-from-cfn';

function convert(properties) {
  const template = {
    Resources: { Cluster: { Type: 'AWS::DSQL::Cluster', Properties: properties } },
    Outputs: { Endpoint: { Value: { 'Fn::GetAtt': ['Cluster', 'Endpoint'] } } },
  };
  try {
    return converter.transmute(JSON.stringify(template), 'typescript', 'Bank', 'stack');
  } catch (error) {
    return error.message;
  }
}
const known = readFileSync('node_modules/aws-cdk-lib/aws-dsql/lib/dsql.generated.d.ts', 'utf8');
assert.match(convert({}), /new dsql\.CfnCluster\(.*cluster\.attrEndpoint/s);
for (const [name, value] of [['DeletionProtectionEnabled', true], ['Tags', [{ Key: 'Name', Value: 'bank' }]],
  ['MultiRegionProperties', { WitnessRegion: 'us-west-2' }]]) {
  const said = convert({ [name]: value });
  console.log(said);
  assert.match(said, new RegExp(`${name} is not a valid property`));
  assert.match(known, new RegExp(`readonly ${name[0].toLowerCase()}${name.slice(1)}\\?`));
}
console.log('as described');
JS
node convert.mjs
