#!/usr/bin/env bash
# boto3 1.44.8 (PyPI) waits two minutes for a DSQL cluster that has failed, and for one that only sleeps.
#
# Expected: the waiter `cluster_active` (`aws dsql wait cluster-active`) ends at once with an error when the cluster is
#           FAILED or being deleted, and is content with IDLE, which wakes up when somebody connects.
# Seen:     ACTIVE is the only status it knows. With any other it asks sixty times, two seconds apart, and then says "Max
#           attempts exceeded", as if the cluster were slow.
# So:       in scripts ask get_cluster() oneself: FAILED ends it, IDLE and INACTIVE are good enough to connect.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check boto3==1.44.8
env/bin/python - <<'PY'
import json
import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import WaiterError

class Body:
    def __init__(self, text): self.text = text
    def stream(self, **_): yield self.text

def wait(status):
    """Returns how often the waiter asked, and how it ended, for a cluster of that status."""
    asked = 0
    def answer(request, **_):
        nonlocal asked
        asked += 1
        cluster = {"identifier": "a" * 26, "arn": "arn:aws:dsql:us-east-1:123456789012:cluster/" + "a" * 26,
                   "status": status, "creationTime": 1790000000, "deletionProtectionEnabled": False}
        return AWSResponse(request.url, 200, {"content-type": "application/json"}, Body(json.dumps(cluster).encode()))
    client = boto3.client("dsql", "us-east-1", aws_access_key_id="example", aws_secret_access_key="example")
    client.meta.events.register("before-send.dsql.GetCluster", answer)
    waiter = client.get_waiter("cluster_active")
    assert (waiter.config.delay, waiter.config.max_attempts) == (2, 60)
    try:
        waiter.wait(identifier="a" * 26, WaiterConfig={"Delay": 0})
        return asked, "active"
    except WaiterError as error:
        return asked, str(error)

for status in ["ACTIVE", "IDLE", "INACTIVE", "FAILED", "DELETING"]:
    asked, end = wait(status)
    print(f"{status}: asked {asked}, {end}")
    if status == "ACTIVE":
        assert (asked, end) == (1, "active")
    else:
        assert asked == 60 and "Max attempts exceeded" in end
PY
echo "as described"
