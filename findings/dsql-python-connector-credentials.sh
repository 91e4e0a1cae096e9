#!/usr/bin/env bash
# aurora-dsql-python-connector 0.2.7 (PyPI, AWS's) asks for the credentials anew at every connection.
#
# Expected: the signing of a token is local and the credentials are kept until they end, as boto3 does within a session, so
#           that a pool's tenth connection asks nobody.
# Seen:     each connection makes a boto3 session of its own: a profile with `credential_process` runs its program for every
#           single one, though the credentials that it gave are good for an hour.
# So:       give the pool `custom_credentials_provider` with a provider that keeps what it was given, where the credentials come
#           from a program, a login or an endpoint that is slow or counts the calls.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aurora-dsql-python-connector==0.2.7 'psycopg[binary]==3.3.9' psycopg-pool==3.3.3 boto3==1.44.8
cat > credentials.sh <<'SH'
#!/bin/sh
echo asked >> "$(dirname "$0")/asked"
echo '{"Version": 1, "AccessKeyId": "example", "SecretAccessKey": "example", "Expiration": "2099-01-01T00:00:00Z"}'
SH
chmod +x credentials.sh
printf '[default]\ncredential_process = %s/credentials.sh\n' "$dir" > config
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE
export AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE="$dir/none"
env/bin/python - <<'PY'
import boto3, psycopg
import aurora_dsql_psycopg as dsql

host = "a" * 26 + ".dsql.us-east-1.on.aws"
def asked():
    return len(open("asked").readlines())

client = boto3.client("dsql", "us-east-1")
for _ in range(3):
    client.generate_db_connect_admin_auth_token(host, "us-east-1")
assert asked() == 1
for _ in range(3):
    try:
        dsql.connect(host=host, hostaddr="127.0.0.1", port=1, connect_timeout=2)
    except psycopg.OperationalError:
        pass  # nobody listens there; the token was made before
print(f"one client of boto3: 1 time for 3 tokens; the connector: {asked() - 1} times for 3 connections")
assert asked() == 4
PY
echo "as described"
