#!/usr/bin/env bash
# cfn-flip 1.3.0 (PyPI, AWS's converter of CloudFormation templates): --clean changes texts that hold "${".
# Seen on 2026-12-01.
#
# Expected: "performs some opinionated cleanup", Fn::Join as Fn::Sub, and what comes out is the same: a Join of texts alone is their
#           concatenation, and "Fn::GetAtt": "Table.Arn", the short way of writing it that CloudFormation takes in YAML, is ${Table.Arn}.
# Seen:     a Join of two texts becomes one text, no Sub, in which `${HOME}` is now `${!HOME}`: the escape that only Fn::Sub takes out again.
#           The text of a GetAtt is joined letter by letter: ${T.a.b.l.e...A.r.n}. Beside a Ref, and with a list, both are right.
# So:       a start script in UserData or a build's commands asks bash for `${!HOME}`, which is another expansion there: the value of the
#           variable that HOME names. The deploy fails on the attribute, or runs and is wrong. Convert without --clean, or read its diff.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check cfn-flip==1.3.0
cat > template.yaml <<'YAML'
Outputs:
  Texts:
    Value: !Join ['', ['cd ${HOME}', '/app']]
  WithRef:
    Value: !Join ['', ['cd ${HOME}/', !Ref Name]]
  List:
    Value: !Join ['/', ['arn', {'Fn::GetAtt': [Table, Arn]}]]
  Text:
    Value: !Join ['/', ['arn', {'Fn::GetAtt': Table.Arn}]]
YAML
env/bin/cfn-flip --json --clean template.yaml > clean.json
env/bin/cfn-flip --json template.yaml > plain.json
cat clean.json
python3 - <<'PY'
import json
clean, plain = ({name: output["Value"] for name, output in json.load(open(file))["Outputs"].items()} for file in ("clean.json", "plain.json"))
assert plain["Texts"] == {"Fn::Join": ["", ["cd ${HOME}", "/app"]]}
assert clean["Texts"] == "cd ${!HOME}/app"
assert clean["WithRef"] == {"Fn::Sub": "cd ${!HOME}/${Name}"}
assert clean["List"] == {"Fn::Sub": "arn/${Table.Arn}"}
assert clean["Text"] == {"Fn::Sub": "arn/${T.a.b.l.e...A.r.n}"}
PY
echo "as described"
