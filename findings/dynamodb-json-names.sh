#!/usr/bin/env bash
# dynamodb-json 1.4.2 (PyPI, DynamoDB's typed JSON and Python values) reads an item with an attribute named S or N as that attribute's value.
# Seen on 2026-12-01.
#
# Expected: loads(dumps(item)) is the item: {"S": "x"} is written as {"S": {"S": "x"}} and read back; a set is SS, and bytes are B.
# Seen:     it comes back as the text x, and {"N": "5"} as the number 5; inside another item, {"size": {"S": "x"}} as {"size": "x"}. A set is
#           written as a list, bytes as a text.
# So:       sizes (S, M, L), compass points and shares (N) are good names for attributes, and reads go wrong with no error. Read and write with
#           boto3.dynamodb.types, which has all of it right.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dynamodb-json==1.4.2
env/bin/python -W ignore - <<'PY'
import json
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from dynamodb_json import json_util

items = [{"S": "x"}, {"N": "5"}, {"size": {"S": "x"}}, {"other": "x"}]
read = [json_util.loads(json_util.dumps(item)) for item in items]
written = json.loads(json_util.dumps({"set": {"a"}, "bytes": b"x"}))
print(read, written)
assert read == ["x", 5, {"size": "x"}, {"other": "x"}]
assert written == {"set": {"L": [{"S": "a"}]}, "bytes": {"S": "x"}}
for item in items:
    assert TypeDeserializer().deserialize(TypeSerializer().serialize(item)) == item
PY
echo "as described"
