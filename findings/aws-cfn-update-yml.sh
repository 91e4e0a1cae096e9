#!/usr/bin/env bash
# aws-cfn-update 0.15.4 (PyPI, changes CloudFormation templates in place) destroys a template whose name ends with .yml.
# Seen on 2026-12-01.
#
# Expected: it reads .yaml, .yml and .json, and writes each back in its own format.
# Seen:     a .yml is opened for writing and filled with JSON, comments gone. At the first short tag (!Ref, !Sub) it stops with "TaggedScalar is not JSON
#           serializable": the file then ends in the middle. The same template as .yaml is right, comment and all.
# So:       without version control the template is lost. Name templates .yaml before using it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aws-cfn-update==0.15.4
cat > plain.yaml <<'YAML'
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Queue:
    Type: AWS::SQS::Queue
  Topic:
    Type: AWS::SNS::Topic # for learners
YAML
{ cat plain.yaml; printf 'Outputs:\n  Topic:\n    Value: !Ref Topic\n  Last:\n    Value: kept\n'; } > tagged.yaml
for name in plain tagged; do cp $name.yaml $name.yml; done
remove() { env/bin/aws-cfn-update remove-resource --resource Queue "$1"; }
remove tagged.yaml
remove plain.yml
if remove tagged.yml 2> error; then exit 1; fi
grep -q 'TaggedScalar is not JSON serializable' error
cat plain.yml; echo; cat tagged.yml; echo
grep -q '# for learners' tagged.yaml; grep -q '!Ref Topic' tagged.yaml
env/bin/python -c 'import json; print(json.load(open("plain.yml"))["Resources"])'
if env/bin/python -c 'import json; json.load(open("tagged.yml"))' 2> /dev/null; then exit 1; fi
if grep -q kept tagged.yml; then exit 1; fi
echo "as described"
