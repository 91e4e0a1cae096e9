#!/usr/bin/env python3
"""Writes src/sandbox/aws/service_model.json: of AWS's own service models what the sandbox checks requests by.

    pip install botocore==1.44.8 && python3 tools/service_model.py

The models are those that AWS generates its SDKs from, as botocore ships them; the file names the version that it was
made from. Of each service it holds the route of every operation, so that one that is not served can be named, and of
those that are served the input's shape: what is required, and how long, how large and of what form each member may be.
"""
import gzip
import json
import pathlib

import botocore

# The operations that the sandbox serves. None: all of the service.
SERVED = {
    "dsql": ("2018-05-10", None),
    "lambda": (
        "2015-03-31",
        """AddPermission CreateAlias CreateFunction CreateFunctionUrlConfig DeleteAlias DeleteFunction
        DeleteFunctionUrlConfig GetAccountSettings GetAlias GetFunction GetFunctionConcurrency GetFunctionConfiguration
        GetFunctionUrlConfig GetPolicy Invoke ListAliases ListFunctionUrlConfigs ListFunctions ListTags
        ListVersionsByFunction PublishVersion RemovePermission TagResource UntagResource UpdateAlias
        UpdateFunctionCode UpdateFunctionConfiguration UpdateFunctionUrlConfig""",
    ),
    "cloudformation": (
        "2010-05-15",
        """CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet DeleteStack
        DescribeChangeSet DescribeEvents DescribeStackDriftDetectionStatus DescribeStackEvents
        DescribeStackResource DescribeStackResourceDrifts DescribeStackResources DescribeStacks DetectStackDrift
        ExecuteChangeSet GetStackPolicy GetTemplate GetTemplateSummary
        ListChangeSets ListExports ListHookResults ListImports ListStackResources ListStacks RollbackStack UpdateStack
        UpdateTerminationProtection ValidateTemplate""",
    ),
    "sts": ("2011-06-15", "AssumeRole GetCallerIdentity"),
    "ssm": ("2014-11-06", "GetParameter GetParameters GetParametersByPath"),
    "iam": (
        "2010-05-08",
        """GetPolicy GetPolicyVersion GetRole GetRolePolicy GetUser ListAttachedRolePolicies ListRolePolicies ListRoleTags
        ListRoles""",
    ),
    "logs": ("2014-03-28", "DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents"),
    "cloudcontrol": ("2021-09-30", "GetResource"),
}
# Named otherwise in signatures.
SIGNED_AS = {"cloudcontrol": "cloudcontrolapi"}
LIMITS = ("min", "max", "pattern", "enum")


def shape_of(shapes, name, out):
    """Puts a shape, and those that it is made of, into `out`; whether anything of it can be violated."""
    if name in out:
        return out[name] is None or bool(out[name])
    out[name] = None  # under way: a shape may hold itself
    shape = shapes[name]
    kind = shape["type"]
    kept = {limit: shape[limit] for limit in LIMITS if limit in shape}
    if kind == "structure":
        members = {}
        for member, about in shape["members"].items():
            if about.get("streaming"):
                continue
            checked = shape_of(shapes, about["shape"], out)
            entry = {"shape": about["shape"]} if checked else {}
            if "location" in about:
                entry["in"] = about["location"]
                if about.get("locationName", member) != member:
                    entry["as"] = about["locationName"]
            if entry or member in shape.get("required", []):
                members[member] = entry
        if shape.get("required"):
            kept["required"] = shape["required"]
        if members:
            kept["members"] = members
        if "payload" in shape:
            kept["payload"] = True  # the body is that one member, and no map of them
    elif kind == "list":
        if shape_of(shapes, shape["member"]["shape"], out):
            kept["member"] = shape["member"]["shape"]
    elif kind == "map":
        for part in ("key", "value"):
            if shape_of(shapes, shape[part]["shape"], out):
                kept[part] = shape[part]["shape"]
    if kept:
        kept = {"type": kind, **kept}
    out[name] = kept
    return bool(kept)


def service(name, version, served):
    path = pathlib.Path(botocore.__file__).parent / "data" / name / version / "service-2.json.gz"
    model = json.loads(gzip.decompress(path.read_bytes()))
    served = None if served is None else served.split()
    operations, shapes = {}, {}
    for operation, about in sorted(model["operations"].items()):
        entry = {}
        if "rest" in model["metadata"]["protocol"]:
            entry["method"], entry["uri"] = about["http"]["method"], about["http"]["requestUri"]
        if (served is None or operation in served) and "input" in about:
            if shape_of(model["shapes"], about["input"]["shape"], shapes):
                entry["input"] = about["input"]["shape"]
        if entry:
            operations[operation] = entry
    missing = set(served or []) - set(model["operations"])
    assert not missing, f"{name} has no {missing}"
    return {"operations": operations, "shapes": {name: shape for name, shape in sorted(shapes.items()) if shape}}


def lines(value, depth):
    """JSON with a line for each entry of the outer maps, so that a newer model is a readable difference."""
    if depth == 0 or not isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    inner = ",\n".join(f"{json.dumps(key)}:{lines(item, depth - 1)}" for key, item in value.items())
    return "{\n" + inner + "\n}"


made = {
    "source": f"botocore {botocore.__version__}",
    "services": {SIGNED_AS.get(name, name): service(name, *about) for name, about in SERVED.items()},
}
target = pathlib.Path(__file__).parent.parent / "src/sandbox/aws/service_model.json"
target.write_text(lines(made, 4) + "\n")
print(f"{target}: {target.stat().st_size} bytes")
