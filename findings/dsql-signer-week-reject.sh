#!/usr/bin/env bash
# @aws-sdk/dsql-signer 3.1142.0 (npm) rejects an expiry over a week with a bare string; boto3 1.44.8 signs it.
#
# Expected: both refuse 604,801 seconds, which the service does not take, with an error of the language.
# Seen:     the JavaScript signer's promise rejects with a string, no Error: `error.message` and `error.stack` are undefined,
#           so a handler that logs the message logs "undefined", and `error instanceof Error` lets it pass. Python's
#           generate_db_connect_admin_auth_token makes a token that no cluster takes. Both sign 0, -5 and 900.5.
# So:       bound the seconds before signing (1 to 604,800, whole), and log what was thrown itself, not its message.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @aws-sdk/dsql-signer@3.1142.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check boto3==1.44.8 botocore==1.44.8
cat > sign.mjs <<'JS'
import assert from 'node:assert/strict';
import { DsqlSigner } from '@aws-sdk/dsql-signer';
const credentials = { accessKeyId: 'example', secretAccessKey: 'example' };
const settings = { hostname: 'abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws', region: 'us-east-1', credentials };
const sign = (expiresIn) => new DsqlSigner({ ...settings, expiresIn }).getDbConnectAdminAuthToken();
const expiry = (token) => /X-Amz-Expires=([^&]*)/.exec(token)[1];
assert.equal(expiry(await sign(604800)), '604800');
for (const seconds of [0, -5, 900.5]) assert.equal(expiry(await sign(seconds)), String(seconds));
const thrown = await sign(604801).then(() => assert.fail('signed'), (thrown) => thrown);
console.log('JavaScript:', typeof thrown, 'message:', thrown.message);
assert.equal(typeof thrown, 'string');
assert.equal(thrown.message, undefined);
JS
node sign.mjs
cat > sign.py <<'PY'
import re
import boto3
session = boto3.Session(aws_access_key_id="example", aws_secret_access_key="example", region_name="us-east-1")
client = session.client("dsql")
for seconds in (604801, 0, -5, 900.5):
    token = client.generate_db_connect_admin_auth_token(
        Hostname="abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", ExpiresIn=seconds)
    signed = re.search("X-Amz-Expires=([^&]*)", token).group(1)
    print("Python:", seconds, "signed as", signed)
    assert signed == str(seconds)
PY
python/bin/python sign.py
echo "as described"
