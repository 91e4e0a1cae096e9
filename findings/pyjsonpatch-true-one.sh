#!/usr/bin/env bash
# pyjsonpatch 0.1.3 (PyPI, JSON Patch) takes true and 1 for the same.
# Seen on 2026-12-01.
#
# Expected: in JSON true is no number: a patch from {"on": 1} to {"on": true} has one change, and RFC 6902's "test" of true fails where 1 stands, as
#           jsonpatch 1.48 has it.
# Seen:     generate_patch() gives no change, for false and 0 and inside of lists as well, and the test passes.
# So:       a setting that becomes a boolean never gets to the other side, and both sides hold themselves for equal. Compare the JSON texts too.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyjsonpatch==0.1.3 jsonpatch==1.48
cat > check.py <<'PY'
import jsonpatch
from pyjsonpatch import apply_patch, generate_patch
for old, new, count in [({"on": 1}, {"on": True}, 1), ({"on": 0}, {"on": False}, 1), ({"all": [0, 1]}, {"all": [False, True]}, 2), ({"on": 1}, {"on": 2}, 1)]:
    first, second = generate_patch(old, new), jsonpatch.make_patch(old, new).patch
    print(old, new, first, second)
    assert len(first) == (1 if new == {"on": 2} else 0)
    assert jsonpatch.apply_patch(old, second) == new and len(second) >= 1
test = [{"op": "test", "path": "/on", "value": True}]
print(apply_patch({"on": 1}, test))
try:
    jsonpatch.apply_patch({"on": 1}, test)
    raise SystemExit(1)
except jsonpatch.JsonPatchTestFailed as error:
    print(error)
PY
env/bin/python check.py
echo "as described"
