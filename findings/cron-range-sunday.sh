#!/usr/bin/env bash
# @datasert/cronjs-matcher 1.4.0 (npm) and pycron 3.3.0 (PyPI) leave the Sunday out of a range of days that ends with it.
# Seen on 2026-12-01.
#
# Expected: `0 0 * * 5-7` and `0 0 * * FRI-SUN` run on Friday, Saturday and Sunday, and `1-7` daily, as cron itself (7 is Sunday) and
#           cron-schedule 6.0.0 have it, or are refused.
# Seen:     both take the range without an error and run it on Friday and Saturday only; `1-7` pauses on Sundays. Sunday named alone or
#           in a list runs in the first ("6,7"), in pycron the number 7 never does and only `0` and `sun` do.
# So:       a nightly job has a hole each week, and a preview shows it as right. Write such ranges as lists that start at 0: `0,5,6`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @datasert/cronjs-matcher@1.4.0 @datasert/cronjs-parser@1.4.0 cron-schedule@6.0.0
cat > days.mjs <<'JS'
import assert from 'node:assert/strict';
import cronjs from '@datasert/cronjs-matcher';
import { parseCronExpression } from 'cron-schedule';
const week = (dates) => dates.map((date) => new Date(date).toUTCString().slice(0, 3)).join(' ');
for (const [days, right, seen] of [
  ['5-7', 'Fri Sat Sun', 'Fri Sat Fri'],
  ['6-7', 'Sat Sun Sat', 'Sat Sat Sat'],
  ['1-7', 'Fri Sat Sun', 'Fri Sat Mon'],
  ['6,7', 'Sat Sun Sat', 'Sat Sun Sat'],
]) {
  const other = week(parseCronExpression(`0 0 * * ${days}`).getNextDates(3, new Date('2026-01-01T12:00:00Z')));
  const runs = week(cronjs.getFutureMatches(`0 0 * * ${days}`, { startAt: '2026-01-01T12:00:00Z', matchCount: 3, timezone: 'UTC' }));
  console.log(days, '|', runs, '|', other);
  assert.equal(other, right);
  assert.equal(runs, seen);
}
const named = week(cronjs.getFutureMatches('0 0 * * FRI-SUN', { startAt: '2026-01-01T12:00:00Z', matchCount: 3, timezone: 'UTC' }));
assert.equal(named, 'Fri Sat Fri');
JS
TZ=UTC node days.mjs
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pycron==3.3.0
env/bin/python - <<'PY'
from datetime import datetime, timedelta
import pycron
days = [datetime(2026, 1, 2) + timedelta(days=n) for n in range(7)]
for text, seen in [("5-7", "Fri Sat"), ("fri-sun", "Fri Sat"), ("1-7", "Fri Sat Mon Tue Wed Thu"), ("7", ""), ("sun", "Sun"), ("0,5,6", "Fri Sat Sun")]:
    runs = " ".join(day.strftime("%a") for day in days if pycron.is_now("0 0 * * " + text, day))
    print(text, "|", runs)
    assert runs == seen
PY
echo "as described"
