#!/usr/bin/env bash
# isodate 0.7.2 (PyPI, ISO 8601 for Python) writes a duration of two signs so that it reads another one.
# Seen on 2026-12-01.
#
# Expected: what duration_isoformat() writes, parse_duration() reads back: Duration(months=-1, days=2) is a month back and two days on, in
#           PostgreSQL's spelling P-1M2D.
# Seen:     -P1M2D, which is a month and two days back: from 15 May it is 13 April, and not 17 April. No error. A timedelta of both signs is
#           written as the one that it is, -PT22H, and right.
# So:       "the second day of a month's notice" and other terms that look back from a date are days off after they were stored as text. Store
#           the months and the days apart.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check isodate==0.7.2
env/bin/python - <<'PY'
from datetime import date, timedelta
from isodate import Duration, duration_isoformat, parse_duration
day, back = date(2026, 5, 15), Duration(months=-1, days=2)
text = duration_isoformat(back)
print(text, day + back, day + parse_duration(text))
assert (text, day + back, day + parse_duration(text)) == ("-P1M2D", date(2026, 4, 17), date(2026, 4, 13))
plain = timedelta(days=-1, hours=2)
assert duration_isoformat(plain) == "-PT22H" and parse_duration("-PT22H") == plain
PY
echo "as described"
