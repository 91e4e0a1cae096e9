#!/usr/bin/env bash
# format-duration 0.0.5 and duration-humanizer 0.2.3 (PyPI, durations in words) say another length for a negative one.
# Seen on 2026-12-01.
#
# Expected: minus 90 seconds is "-1 minute 30 seconds" or the like.
# Seen:     "4 days, 23 hours, 58 minutes, 30 seconds" of the first and "-1 hours 58 minutes 30 seconds" of the second.
# So:       a run that was a minute and a half faster than the last one, or a time left that is over, is shown as hours or days. Take abs() and write the sign.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check format-duration==0.0.5 duration-humanizer==0.2.3
cat > look.py <<'PY'
from datetime import timedelta
from format_duration import format_duration
import duration_humanizer
a, b = [format_duration(timedelta(seconds=s)) for s in (90, -90)], [duration_humanizer.humanize(s) for s in (90, -90)]
print(a, b)
assert [str(x) for x in a] == ['1 minutes, 30 seconds', '4 days, 23 hours, 58 minutes, 30 seconds']
assert b == ['1 minute 30 seconds', '-1 hours 58 minutes 30 seconds']
PY
env/bin/python look.py
echo "as described"
