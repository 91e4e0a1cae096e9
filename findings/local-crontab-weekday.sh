#!/usr/bin/env bash
# local-crontab 0.1.8 (npm, a crontab in local time as crontabs in UTC) leaves the day where it is when the hour crosses midnight.
# Seen on 2026-12-01.
#
# Expected: Monday at 22:00 in New York is Tuesday at 02:00 or 03:00 in UTC, and the first of a month at 00:00 in Berlin is the last of
#           the month before in UTC; with EventBridge and other schedulers that know UTC only this is what it is for.
# Seen:     hours are moved, and the day of the week and of the month stay: the crontabs say Monday 03:00, which is Sunday evening in New
#           York, and the first at 23:00, which is the second in Berlin. Where the hour stays within the day, and for daily ones, it is
#           right. crontzconvert 1.1.1 (npm) moves the weekday.
# So:       reports run a day early or late. Convert with crontzconvert and mind the summer time, or use a scheduler with time zones
#           (EventBridge Scheduler has them).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts local-crontab@0.1.8 crontzconvert@1.1.1 cron-parser@5.4.0
cat > convert.cjs <<'JS'
const assert = require('node:assert/strict');
const { localCrontabToUtcCrontabs } = require('local-crontab');
const { convert } = require('crontzconvert');
const { CronExpressionParser } = require('cron-parser');
// The crontab in UTC that names January, and its first run in January 2026 as it is on a clock in the zone.
const local = (cron, zone) => {
  const winter = localCrontabToUtcCrontabs(cron, zone).find((each) => /^1(-|$)/.test(each.split(' ')[3]));
  const options = { tz: 'UTC', currentDate: '2025-12-31T23:30:00Z' };
  const run = CronExpressionParser.parse(winter, options).next().toDate();
  const format = { timeZone: zone, weekday: 'long', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false };
  const clock = new Intl.DateTimeFormat('en-GB', format).format(run);
  console.log(cron, zone, '->', winter, '=', clock);
  return clock;
};
assert.match(local('0 22 * * 1', 'America/New_York'), /^Sunday/);
assert.match(local('0 9 * * 1', 'America/New_York'), /^Monday/);
assert.match(local('30 0 * * 0', 'Europe/Berlin'), /^Monday/);
assert.match(local('0 0 1 * *', 'Europe/Berlin'), /^Friday 2/);
assert.equal(convert('0 0 22 * * 1', 'America/New_York', 'Etc/UTC').split(' ')[5], '2');
JS
TZ=UTC node convert.cjs
echo "as described"
