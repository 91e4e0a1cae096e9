#!/usr/bin/env bash
# dictdiffer 0.10.0 (PyPI) puts the entries of a list back in a wrong order.
# Seen on 2026-11-30.
#
# Expected: revert(diff(a, b), b) is `a`, which is what revert() is for; patch() gives `b` for the same differences.
# Seen:     where a list had lost two entries or more at its end, they come back turned round: from [1, 2, 3] to [] and back is
#           [1, 3, 2], and from [1, 2, 3, 4] to [4] and back [1, 2, 4, 3]. All entries are there, so that a look at the length
#           or at the set of them is content. One removed entry comes back right.
# So:       keep the document that was, or make the differences of the way back with diff(b, a).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dictdiffer==0.10.0
env/bin/python - <<'PY'
from copy import deepcopy
from dictdiffer import diff, patch, revert
for a, b, seen in [([1, 2, 3], [], [1, 3, 2]), ([1, 2, 3, 4], [4], [1, 2, 4, 3]), ([1, 2], [1], [1, 2])]:
    a, b = {"steps": a}, {"steps": b}
    changes = list(diff(a, b))
    assert patch(changes, deepcopy(a)) == b
    back = revert(changes, deepcopy(b))
    print(a, b, changes, back)
    assert back == {"steps": seen}
PY
echo "as described"
