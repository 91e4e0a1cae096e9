#!/usr/bin/env bash
# cfn-lint 1.58.0 (PyPI) does not count a DSQL cluster among the resources that hold data.
#
# Expected: its note I3011 asks for DeletionPolicy and UpdateReplacePolicy on "stateful" resources, so on AWS::DSQL::Cluster as
#           on the other databases: without them CloudFormation deletes it with the stack, or when it replaces it.
# Seen:     with the notes switched on, a template with one database of each kind gets I3011 for RDS, DocumentDB and DynamoDB,
#           and nothing at all for DSQL, though cfn-lint knows the type and checks its properties.
# So:       a pipeline that leans on I3011 lets a cluster through that goes away with its stack; write both policies and
#           DeletionProtectionEnabled, and ask for them with a rule of one's own.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check cfn-lint==1.58.0
cat > stack.yaml <<'YAML'
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Dsql:
    Type: AWS::DSQL::Cluster
  DocDb:
    Type: AWS::DocDB::DBCluster
    Properties: {MasterUsername: learner, ManageMasterUserPassword: true}
  Rds:
    Type: AWS::RDS::DBCluster
    Properties: {Engine: aurora-postgresql, MasterUsername: learner, ManageMasterUserPassword: true}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
YAML
env/bin/cfn-lint --regions us-east-1 --include-checks I --format json -- stack.yaml > notes.json || true
# It does know the type: a property of another kind is an error.
sed 's/Type: AWS::DSQL::Cluster/&\n    Properties: {DeletionProtection: true}/' stack.yaml > wrong.yaml
env/bin/cfn-lint --regions us-east-1 --format json -- wrong.yaml > wrong.json || true
python3 - <<'PY'
import json
stateful = {note["Location"]["Path"][1] for note in json.load(open("notes.json")) if note["Rule"]["Id"] == "I3011"}
print("I3011 for:", ", ".join(sorted(stateful)))
assert stateful == {"DocDb", "Rds", "Table"}, stateful
wrong = [note for note in json.load(open("wrong.json")) if note["Location"]["Path"][1] == "Dsql"]
print("the type is known:", wrong[0]["Rule"]["Id"], wrong[0]["Message"])
assert "DeletionProtection" in wrong[0]["Message"]
PY
echo "as described"
