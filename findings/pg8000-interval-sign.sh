#!/usr/bin/env bash
# pg8000 1.31.6 (PyPI) takes an interval's minus sign for the hours alone.
# Seen on 2026-11-30.
#
# Expected: `select interval '-90 minutes'`, which PostgreSQL and Aurora DSQL send as `-01:30:00`, is timedelta(minutes=-90), and
#           `-00:30:00` is timedelta(minutes=-30).
# Seen:     minutes and seconds are added whatever the sign is: `-01:30:00` is minus 30 minutes (an hour back, half an hour on),
#           `-00:30:00` is plus 30 minutes, `1 day -00:00:01` a day and a second. No error; whole hours are right.
# So:       time that is over comes out as time to go; ask for extract(epoch from ...), a number.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pg8000==1.31.6
env/bin/python - <<'PY'
from datetime import timedelta as t
from pg8000.converters import interval_in
for text, seen in [("-01:00:00", t(hours=-1)), ("-01:30:00", t(minutes=-30)), ("-00:30:00", t(minutes=30)), ("-00:00:00.5", t(milliseconds=500)),
                   ("1 day -00:00:01", t(days=1, seconds=1)), ("-1 days -00:30:00", t(days=-1, minutes=30))]:
    print(text, repr(interval_in(text)))
    assert interval_in(text) == seen
PY
echo "as described"
