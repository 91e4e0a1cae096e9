#!/usr/bin/env bash
# aws-cron-parser 1.1.12 (npm) has a schedule for the 31st run on the first days of the next month.
# Seen on 2026-11-30.
#
# Expected: `cron(0 0 31 * ? *)`, valid in EventBridge, runs in the seven months that have a 31st, and `cron(0 0 29 2 ? *)` in leap
#           years.
# Seen:     next() gives 2026-03-03 for February and 2026-05-01 for April, and 2026-03-01 for a 29 February. No error; JavaScript's
#           Date carries the days over. Its Python port pyawscron 1.0.7 ends with "day is out of range for month" for both.
# So:       a preview of schedules shows runs that will never be; throw away a result whose day of the month is not asked for.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aws-cron-parser@1.1.12
cat > cron.cjs <<'JS'
const assert = require('node:assert/strict');
const { parse, next } = require('aws-cron-parser');
function runs(text, count) {
  const cron = parse(text), days = [];
  for (let from = new Date('2026-01-01T00:00:00Z'); days.length < count;) days.push((from = next(cron, from)).toISOString().slice(0, 10));
  console.log(text, days.join(' '));
  return days;
}
assert.deepEqual(runs('0 0 31 * ? *', 4), ['2026-01-31', '2026-03-03', '2026-03-31', '2026-05-01']);
assert.deepEqual(runs('0 0 29 2 ? *', 3), ['2026-03-01', '2027-03-01', '2028-02-29']);
assert.deepEqual(runs('0 0 L * ? *', 3), ['2026-01-31', '2026-02-28', '2026-03-31']);
JS
TZ=UTC node cron.cjs
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyawscron==1.0.7
env/bin/python - <<'PY'
from datetime import datetime, timezone
from pyawscron import AWSCron
for cron in ["0 0 31 * ? *", "0 0 29 2 ? *"]:
    try:
        AWSCron.get_next_n_schedule(3, datetime(2026, 1, 1, tzinfo=timezone.utc), cron)
    except ValueError as error:
        print(cron, error)
        assert "day is out of range for month" in str(error)
    else:
        raise SystemExit("no error")
PY
echo "as described"
