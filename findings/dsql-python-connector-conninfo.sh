#!/usr/bin/env bash
# aurora-dsql-python-connector 0.2.7 (PyPI, AWS's) takes psycopg's usual connection string for a host's name.
#
# Expected: its connect() stands in for psycopg's, so it reads both forms that psycopg does: `host=… dbname=… user=…` and
#           `postgresql://…`.
# Seen:     only the second. Of the first, all of it becomes the host: the user falls back to `admin`, and the error speaks of a
#           region that could not be found, or of a host that is not known. In a URL the user's name stays percent-encoded.
# So:       hand over keywords: psycopg.conninfo.conninfo_to_dict() makes them of either form.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aurora-dsql-python-connector==0.2.7 'psycopg[binary]==3.3.9' boto3==1.44.8
export AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example AWS_EC2_METADATA_DISABLED=true
env/bin/python - <<'PY'
from psycopg.conninfo import conninfo_to_dict
from dsql_core.connection_properties import ConnectionProperties

host = "a" * 26 + ".dsql.us-east-1.on.aws"
def read(text):
    try:
        return ConnectionProperties.parse_properties(text, {})[0]
    except ValueError as error:
        return str(error)

words = f"host={host} dbname=postgres user=app_user"
print(conninfo_to_dict(words))
print(read(words))
print(read(f"dbname=postgres user=app_user host={host}")["host"])
assert "region was not provided" in read(words)
turned = read(f"dbname=postgres user=app_user host={host}")
assert turned["host"].startswith("dbname=postgres") and turned["user"] == "admin"
url = f"postgresql://app%2Euser@{host}/postgres"
print(conninfo_to_dict(url)["user"], read(url)["user"])
assert conninfo_to_dict(url)["user"] == "app.user" and read(url)["user"] == "app%2Euser"
assert read(f"postgresql://app_user@{host}/postgres")["user"] == "app_user"
PY
echo "as described"
