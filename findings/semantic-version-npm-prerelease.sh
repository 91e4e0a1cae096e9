#!/usr/bin/env bash
# semantic-version 2.10.0 (PyPI): NpmSpec takes versions for older than a pre-release that are the same or newer.
# Seen on 2026-12-01.
#
# Expected: Version("2.0.0-rc.1") in NpmSpec("<2.0.0-rc.1") is false, and so it is for rc.2; node-semver 0.9.1 (PyPI) and its own SimpleSpec
#           say so.
# Seen:     true for both, as for 1.2.3-beta.5 and <=1.2.3-beta.2: any pre-release of the number named passes. With a lower bound before
#           it ("<2.0.0-rc.1 >=1.0.0") and for releases it is right.
# So:       "anything before the release candidate" lets the candidate in and those after it. Add a lower bound, or use node-semver.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check semantic-version==2.10.0 node-semver==0.9.1
cat > ranges.py <<'PY'
import nodesemver
from semantic_version import NpmSpec, SimpleSpec, Version
def answers(version, text):
    found = (Version(version) in NpmSpec(text), nodesemver.satisfies(version, text, loose=False))
    print(version, text, found)
    return found
assert answers("2.0.0-rc.1", "<2.0.0-rc.1") == (True, False)
assert answers("2.0.0-rc.2", "<2.0.0-rc.1") == (True, False)
assert answers("1.2.3-beta.5", "<=1.2.3-beta.2") == (True, False)
assert answers("2.0.0-alpha", "<2.0.0-rc.1") == (True, True)
assert answers("2.0.0-rc.1", ">=1.0.0 <2.0.0-rc.1") == (False, False)
assert answers("2.0.0", "<2.0.0-rc.1") == (False, False)
assert answers("2.0.0-rc.1", ">2.0.0-rc.1") == (False, False)
assert Version("2.0.0-rc.2") not in SimpleSpec("<2.0.0-rc.1")
PY
env/bin/python ranges.py
echo "as described"
