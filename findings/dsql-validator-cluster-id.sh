#!/usr/bin/env bash
# aws-resource-validator-dsql 2.6.0 (PyPI, Pydantic models of the DSQL API) does not check a cluster's identifier.
#
# Expected: with its opt-in check of patterns on, every field that its models mark with a pattern is held against AWS's:
#           26 lower-case letters and digits for a cluster's identifier, so `ABC` is refused.
# Seen:     `ABC` and `my cluster` pass, as does any text for a cluster's ARN in a list of peers; a resource's ARN and a client token
#           are refused as they should be. The two shapes are marked in the models, and missing from the table of patterns
#           that comes with the package beneath, where a shape that is not known counts as good.
# So:       hold identifiers against `^[a-z0-9]{26}$` yourself before a template or a script carries them to AWS.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aws-resource-validator==2.6.0 aws-resource-validator-dsql==2.6.0 boto3==1.44.8
env/bin/python - <<'PY'
import re
from botocore.loaders import Loader
from pydantic import ValidationError
from aws_resource_validator.pydantic_models.dsql import dsql_classes as dsql

def taken(model, **fields):
    try:
        model.model_validate(fields, context={"aws_validate_patterns": True})
        return True
    except ValidationError:
        return False

pattern = Loader().load_service_model("dsql", "service-2")["shapes"]["ClusterId"]["pattern"]
seen = {
    "identifier ABC": taken(dsql.GetClusterInputTypeDef, identifier="ABC"),
    "identifier of two words": taken(dsql.GetClusterInputTypeDef, identifier="my cluster"),
    "peer x": taken(dsql.CreateClusterInputTypeDef, multiRegionProperties={"clusters": ["x"]}),
    "resource x": taken(dsql.ListTagsForResourceInputTypeDef, resourceArn="x"),
    "token é": taken(dsql.DeleteClusterInputTypeDef, identifier="a" * 26, clientToken="é"),
}
print(pattern, seen)
assert not re.fullmatch(pattern, "ABC") and re.fullmatch(pattern, "a" * 26)
assert list(seen.values()) == [True, True, True, False, False]
PY
echo "as described"
