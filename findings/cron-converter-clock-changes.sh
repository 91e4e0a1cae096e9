#!/usr/bin/env bash
# cron-converter 2.0.2 (PyPI, the runs of a cron expression in a time zone) plans runs at hours that do not exist, and goes back in time.
# Seen on 2026-12-01.
#
# Expected: in New York the night of 8 March 2026 has no 2:00 to 3:00, and that of 1 November has 1:00 to 2:00 twice. `*/30 * * * *` runs every 30 minutes of
#           real time, as cronsim 2.8 has it.
# Seen:     after 1:30-05:00 come 2:00-05:00 and 2:30-05:00, and then 3:00-04:00, which is the moment of 2:00-05:00: it is before the run it follows. In
#           November the second 1:00 and 1:30 are left out.
# So:       a loop that sleeps until the next run sleeps a negative time in spring, runs twice, and misses an hour in autumn. Plan in UTC.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check cron-converter==2.0.2 cronsim==2.8 tzdata==2025.2
cat > look.py <<'PY'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo
from cron_converter import Cron
from cronsim import CronSim
zone = ZoneInfo('America/New_York')
def runs(expression, start, count):
    schedule = Cron(expression).schedule(start)
    return [schedule.next() for _ in range(count)]
def peer(expression, start, count):
    sim = CronSim(expression, start)
    return [next(sim) for _ in range(count)]
utc = lambda moments: [m.astimezone(timezone.utc).strftime('%H:%M') for m in moments]
spring = datetime(2026, 3, 8, 1, 10, tzinfo=zone)
seen = runs('*/30 * * * *', spring, 4)
print([m.isoformat() for m in seen], utc(seen), utc(peer('*/30 * * * *', spring, 4)))
assert [m.strftime('%H:%M') for m in seen] == ['01:30', '02:00', '02:30', '03:00']
assert utc(seen) == ['06:30', '07:00', '07:30', '07:00']
assert utc(peer('*/30 * * * *', spring, 4)) == ['06:30', '07:00', '07:30', '08:00']
autumn = datetime(2026, 11, 1, 0, 40, tzinfo=zone)
seen = runs('*/30 * * * *', autumn, 3)
print([m.isoformat() for m in seen], utc(seen), utc(peer('*/30 * * * *', autumn, 3)))
assert utc(seen) == ['05:00', '05:30', '07:00']
assert utc(peer('*/30 * * * *', autumn, 3)) == ['05:00', '05:30', '06:00']
PY
env/bin/python look.py
echo "as described"
