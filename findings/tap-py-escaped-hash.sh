#!/usr/bin/env bash
# tap.py 3.2.1 (PyPI) skips a failing TAP 14 test whose title has an escaped hash.
#
# Expected: it takes `TAP version 14` without complaint, so `\#` in a title would be a plain #, as that version has it
#           and as a TAP 14 producer writes a title like "closes #SKIP-12".
# Seen:     the directive is looked for behind the first # whatever stands before it: the title ends at the backslash,
#           the failing test is a skipped one, and `tappy` exits with 0. The same title with another word fails.
# So:       a producer that is read with tap.py writes no # into a title at all.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check tap.py==3.2.1
printf 'TAP version 14\n1..1\nnot ok 1 - closes \\#SKIP-12\n' > skip.tap
printf 'TAP version 14\n1..1\nnot ok 1 - closes \\#12\n' > other.tap
env/bin/tappy skip.tap 2>&1 | tee seen
grep -q 'OK (skipped=1)' seen
if env/bin/tappy other.tap > seen 2>&1; then cat seen; exit 1; fi
grep -q 'FAILED (failures=1)' seen
env/bin/python - <<'PY' 2>/dev/null
from tap.parser import Parser
test = [line for line in Parser().parse_file("skip.tap") if line.category == "test"][0]
print(repr(test.description), test.skip, test.ok)
assert test.description.endswith("\\") and test.skip and not test.ok
PY
echo "as described"
