#!/usr/bin/env bash
# croniter-rs 0.2.0 (PyPI, croniter's interface in Rust) forgets the time zone of the start.
# Seen on 2026-12-01.
#
# Expected: croniter(expression, start).get_next(datetime) of an aware start is aware, in the same zone, as with croniter 6.0.0.
# Seen:     a naive datetime of the same clock: 2:30 on 8 March in New York, which that night does not have. In November the second 1:00 to 2:00 is missing.
# So:       after the change comparing with an aware "now" raises, and code that calls .timestamp() gets the server's zone: jobs run hours off without an error.
#           Put the zone on again.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check croniter-rs==0.2.0 croniter==6.0.0 tzdata==2025.2
cat > look.py <<'PY'
from datetime import datetime
from zoneinfo import ZoneInfo
import croniter, croniter_rs
zone = ZoneInfo('America/New_York')
def runs(package, expression, start, count):
    it = package.croniter(expression, start)
    return [it.get_next(datetime) for _ in range(count)]
noon = datetime(2026, 6, 1, 12, 0, tzinfo=zone)
a, b = runs(croniter, '0 9 * * *', noon, 1)[0], runs(croniter_rs, '0 9 * * *', noon, 1)[0]
print(a.isoformat(), b.isoformat())
assert a.isoformat() == '2026-06-02T09:00:00-04:00'
assert b.isoformat() == '2026-06-02T09:00:00'
spring = datetime(2026, 3, 8, 1, 0, tzinfo=zone)
b = runs(croniter_rs, '30 2 * * *', spring, 1)[0]
print(b.isoformat(), runs(croniter, '30 2 * * *', spring, 1)[0].isoformat())
assert b.isoformat() == '2026-03-08T02:30:00'
autumn = datetime(2026, 11, 1, 0, 40, tzinfo=zone)
a, b = runs(croniter, '*/30 * * * *', autumn, 5), runs(croniter_rs, '*/30 * * * *', autumn, 5)
print([m.isoformat() for m in a], [m.isoformat() for m in b])
assert [m.isoformat()[11:16] for m in b] == ['01:00', '01:30', '02:00', '02:30', '03:00']
PY
env/bin/python look.py
echo "as described"
