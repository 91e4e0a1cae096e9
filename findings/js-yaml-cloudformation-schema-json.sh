#!/usr/bin/env bash
# js-yaml-cloudformation-schema 1.0.0 (npm, CloudFormation's short tags for js-yaml) makes another template of one than its JSON form is.
# Seen on 2026-12-01.
#
# Expected: what it reads is the template as JSON, which is what the fork is for: {"Condition": "Prod"} for !Condition Prod, and
#           "2010-09-09" and "2012-10-17" for the versions, which AWS's own examples write without quotes; so yaml-cfn 0.3.2 has it.
# Seen:     !Condition becomes {"Fn::Condition": "Prod"}, a function that CloudFormation has not. The versions become dates: as JSON or
#           YAML they are "2010-09-09T00:00:00.000Z" and "2012-10-17T00:00:00.000Z", which are no versions of a template or a policy.
#           cloudformation-js-yaml-schema 0.4.2 and js-yaml-schema-cfn 1.1.0 (npm) make the same dates.
# So:       a template that went through is refused at deployment, or a test sees a policy that is not there. Use yaml-cfn.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts js-yaml@3.14.1 js-yaml-cloudformation-schema@1.0.0 \
  cloudformation-js-yaml-schema@0.4.2 js-yaml-schema-cfn@1.1.0 yaml-cfn@0.3.2
cat > template.yaml <<'YAML'
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  Both: !And [!Condition Prod, !Not [!Condition Test]]
Policy:
  Version: 2012-10-17
YAML
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const fs = require('node:fs');
const yaml = require('js-yaml');
const text = fs.readFileSync('template.yaml', 'utf8');
const json = (value) => JSON.parse(JSON.stringify(value));
const versions = (template) => [template.AWSTemplateFormatVersion, template.Policy.Version];
const dates = ['2010-09-09T00:00:00.000Z', '2012-10-17T00:00:00.000Z'];
const both = (name) => ({ 'Fn::And': [{ [name]: 'Prod' }, { 'Fn::Not': [{ [name]: 'Test' }] }] });

const { CLOUDFORMATION_SCHEMA: schema } = require('js-yaml-cloudformation-schema');
const read = yaml.safeLoad(text, { schema });
console.log(JSON.stringify(read));
assert.deepEqual(versions(json(read)), dates);
assert.deepEqual(json(read).Conditions.Both, both('Fn::Condition'));
assert.match(yaml.safeDump(read, { schema }), /^AWSTemplateFormatVersion: 2010-09-09T00:00:00\.000Z$/m);
assert.deepEqual(versions(json(yaml.safeLoad(text, { schema: require('cloudformation-js-yaml-schema').CLOUDFORMATION_SCHEMA }))), dates);
const other = require('js-yaml-schema-cfn');
assert.deepEqual(versions(json(yaml.safeLoad(text, { schema: other.CLOUDFORMATION_SCHEMA ?? other.default ?? other }))), dates);

const right = require('yaml-cfn').yamlParse(text);
assert.deepEqual(versions(json(right)), ['2010-09-09', '2012-10-17']);
assert.deepEqual(json(right).Conditions.Both, both('Condition'));
JS
node read.cjs
echo "as described"
