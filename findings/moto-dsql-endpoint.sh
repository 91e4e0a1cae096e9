#!/usr/bin/env bash
# moto 5.2.5 (PyPI) gives a DSQL cluster an endpoint that AWS's own connector cannot use.
#
# Expected: CreateCluster's `endpoint` has the service's form, <id>.dsql.<region>.on.aws.
# Seen:     <id>.<region>.on.aws, without `dsql`; @aws/aurora-dsql-node-postgres-connector 0.1.9 (npm) reads the region
#           from the host's name and refuses it: "Region is not specified and could not be parsed from hostname".
# So:       a test with moto builds the endpoint from the identifier itself, or names the region beside it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check moto==5.2.5 boto3==1.44.8
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @aws/aurora-dsql-node-postgres-connector@0.1.9 pg@8
export AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example
env -u AWS_REGION -u AWS_DEFAULT_REGION env/bin/python - > endpoint.txt <<'PY'
import boto3
from moto import mock_aws
with mock_aws():
    print(boto3.client("dsql", "us-east-1").create_cluster()["endpoint"])
PY
cat endpoint.txt
grep -Eq '^[a-z0-9]{26}\.us-east-1\.on\.aws$' endpoint.txt
env -u AWS_REGION -u AWS_DEFAULT_REGION HOST="$(cat endpoint.txt)" node --input-type=module -e '
import { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";
const make = (host) => { try { new AuroraDSQLClient({ host }); return "taken"; } catch (e) { return e.message; } };
const given = make(process.env.HOST), real = make(process.env.HOST.replace(".", ".dsql."));
console.log("its endpoint:", given); console.log("the real form:", real);
process.exit(given.includes("could not be parsed from hostname") && real === "taken" ? 0 : 1);
'
echo "as described"
