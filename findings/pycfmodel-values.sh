#!/usr/bin/env bash
# pycfmodel 2.1.3 (PyPI, CloudFormation templates as Python objects; cfripper reads them through it) makes dates and numbers of texts.
# Seen on 2026-12-01.
#
# Expected: a text in a template is that text: the account "012345678901", the version "1.10". resolve() gives what CloudFormation would:
#           `${!Name}` in Fn::Sub is `${Name}`, and the items of a CommaDelimitedList have no blanks around them.
# Seen:     in resources that it has no class for (Lambda's function and permission are such) "1.10" is a moment in 1970, "012345678901"
#           the number 12345678901, "2026-12-01" a date and "1" a number; a Ref to AWS::AccountId, too. `${!Name}` keeps its exclamation
#           mark, and of "a, b" the second item is " b". Its log says only that a general class is used. In a bucket's policy the account
#           stays a text.
# So:       a rule that compares an account with the list of one's own says no for those that begin with 0, and what is written back is
#           another template. Compare on the template as it was read, or put the zeros back: str(value).zfill(12).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pycfmodel==2.1.3
cat > resolve.py <<'PY'
from datetime import date, datetime, timedelta, timezone
import pycfmodel
template = {
    "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "a, b"}},
    "Resources": {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {
            "Environment": {"Variables": {"VERSION": "1.10", "ACCOUNT": "012345678901", "DAY": "2026-12-01", "ONE": "1", "NAME": "v1.10"}},
            "Description": {"Fn::Sub": "writes ${!Name}"},
            "Layers": {"Ref": "Names"},
        }},
        "Permission": {"Type": "AWS::Lambda::Permission", "Properties": {"SourceAccount": {"Ref": "AWS::AccountId"}}},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": "b", "PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}, "Action": "s3:GetObject", "Resource": "*"}]}}},
    },
}
resources = pycfmodel.parse(template).resolve(extra_params={"AWS::AccountId": "012345678901"}).Resources
function = resources["Function"].Properties.model_dump()
print(function)
assert function["Environment"]["Variables"] == {
    "VERSION": datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=1.1),
    "ACCOUNT": 12345678901, "DAY": date(2026, 12, 1), "ONE": 1, "NAME": "v1.10"}
assert function["Description"] == "writes ${!Name}"
assert function["Layers"] == ["a", " b"]
permission = resources["Permission"].Properties.model_dump()
print(permission)
assert permission["SourceAccount"] == 12345678901
statement = resources["Policy"].Properties.PolicyDocument.Statement[0]
assert statement.Principal.AWS == "012345678901"
assert str(permission["SourceAccount"]).zfill(12) == "012345678901"
PY
env/bin/python resolve.py 2>/dev/null
echo "as described"
