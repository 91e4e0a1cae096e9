#!/usr/bin/env bash
# aws-cdk 2.1145.0 (npm) validates templates in `cdk synth` though the project's cdk.json says `"validation": false`.
#
# Expected: settings of cdk.json stand for the options of the same name, so `"validation": false` does as `--no-validation`.
# Seen:     `cdk synth` writes cdk.out/validation-report.json all the same; with `--no-validation` it does not.
# So:       write the option where `cdk synth` is called, in a build script or in CI: the validation takes most of the time that
#           synthesising a small app takes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aws-cdk@2.1145.0 aws-cdk-lib@2.276.0 constructs@10.5.0
cat > app.js <<'JS'
const { App, CfnOutput, Stack } = require('aws-cdk-lib');
new CfnOutput(new Stack(new App(), 'Bank'), 'Name', { value: 'bank' });
JS
echo '{"app": "node app.js", "validation": false}' > cdk.json
export CDK_DISABLE_VERSION_CHECK=1 AWS_EC2_METADATA_DISABLED=true
report() { [ -e cdk.out/validation-report.json ] && echo 'a report' || echo 'no report'; }
node node_modules/aws-cdk/bin/cdk synth --quiet --no-notices >/dev/null 2>&1; by_setting=$(report)
rm -rf cdk.out
node node_modules/aws-cdk/bin/cdk synth --quiet --no-notices --no-validation >/dev/null 2>&1; by_option=$(report)
echo "cdk.json: $by_setting; --no-validation: $by_option"
[ "$by_setting" = 'a report' ] && [ "$by_option" = 'no report' ]
echo "as described"
