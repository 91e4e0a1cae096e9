#!/usr/bin/env bash
# jetblack-iso8601 2.0.0 (PyPI) writes a duration without the part below a second, and makes a month of thirty days.
# Seen on 2026-12-01.
#
# Expected: timedelta_to_iso8601() of 1.5 s is PT1.5S and of 40 days P40D; iso8601_to_timedelta() reads PT0.5S, as PostgreSQL's and Java's
#           durations are written.
# Seen:     1.5 s is "PT1S", 5 ms is "P0D", so a time-out or a measured latency is nothing; 40 days are "P1M10D", which is 41 days after
#           the first of January. PT0.5S ends with "invalid literal for int()", and PT1,5S and PT1.5H are None. Hours, days and signs
#           in whole numbers come back the same.
# So:       what is written is not what was meant, without an error. Use isoduration 20.11.0 (PyPI), which keeps both.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check jetblack-iso8601==2.0.0 isoduration==20.11.0
cat > durations.py <<'PY'
from datetime import datetime, timedelta
from jetblack_iso8601 import iso8601_to_timedelta, timedelta_to_iso8601
import isoduration
for delta, text in [
    (timedelta(seconds=1.5), "PT1S"), (timedelta(milliseconds=5), "P0D"), (timedelta(days=40), "P1M10D"),
    (timedelta(hours=25), "P1DT1H"), (timedelta(seconds=-90), "-PT1M30S"),
]:
    written = timedelta_to_iso8601(delta)
    print(repr(delta), written)
    assert written == text
assert iso8601_to_timedelta("P1DT1H") == timedelta(hours=25)
try:
    iso8601_to_timedelta("PT0.5S")
    raise AssertionError("it was read")
except ValueError as error:
    print(error)
assert iso8601_to_timedelta("PT1,5S") is None and iso8601_to_timedelta("PT1.5H") is None
day = datetime(2026, 1, 1)
assert day + isoduration.parse_duration("P1M10D") == day + timedelta(days=41)
for text in ("PT0.5S", "P40D"):
    assert isoduration.format_duration(isoduration.parse_duration(text)) == text
PY
env/bin/python durations.py
echo "as described"
