#!/usr/bin/env bash
# js-ini 1.6.0 (npm, INI files as objects) takes the heading off a nested setting of AWS's configuration, and the zero off an account.
# Seen on 2026-12-01.
#
# Expected: below "s3 =" the indented lines belong to s3, as @smithy/shared-ini-file-loader 4.0.5 has them ("s3.max_concurrent_requests"), or they are refused.
#           sso_account_id = 012345678901 is a text.
# Seen:     s3 is undefined, and its lines are the profile's own, so that one of the same name takes its place. The account is 12345678901. No error.
# So:       a tool that lists or edits profiles asks for another account or writes settings to the wrong place. Give autoTyping: false, and leave nested
#           settings to AWS's own loader.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts js-ini@1.6.0 @smithy/shared-ini-file-loader@4.0.5
cat > config <<'INI'
[profile dev]
region = eu-west-1
output = json
sso_account_id = 012345678901
s3 =
  max_concurrent_requests = 10
  output = text
INI
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { parse } = require('js-ini');
const { loadSharedConfigFiles } = require('@smithy/shared-ini-file-loader');
(async () => {
  const seen = parse(readFileSync('config', 'utf8'))['profile dev'];
  const { configFile: { dev: peer } } = await loadSharedConfigFiles({ configFilepath: 'config', filepath: 'none' });
  console.log({ ...seen }, { ...peer });
  assert.deepEqual({ ...seen }, { region: 'eu-west-1', output: 'text', sso_account_id: 12345678901, s3: undefined, max_concurrent_requests: 10 });
  assert.deepEqual({ ...peer }, { region: 'eu-west-1', output: 'json', sso_account_id: '012345678901', 's3.max_concurrent_requests': '10', 's3.output': 'text' });
})();
JS
node look.cjs
echo "as described"
