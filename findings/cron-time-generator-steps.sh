#!/usr/bin/env bash
# cron-time-generator 2.0.3 (npm, cron expressions from words) writes "every 90 minutes" as an expression that runs every hour.
# Seen on 2026-12-01.
#
# Expected: a crontab has no 90 minutes and no 36 hours, so every(90).minutes() and every(36).hours() are refused.
# Seen:     they are */90 * * * * and 0 */36 * * *. A step that is longer than the field leaves its first value: each full hour, each midnight,
#           as cron-schedule 6.0.0 reads it. everyHourAt(90) is "90 * * * *", which it refuses.
# So:       a job runs half again as often as was asked, or more. Use steps that divide 60 or 24.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cron-time-generator@2.0.3 cron-schedule@6.0.0
cat > every.cjs <<'JS'
const assert = require('node:assert/strict');
const generator = require('cron-time-generator');
const { parseCronExpression } = require('cron-schedule');
const time = generator.CronTime ?? generator.default ?? generator;
const runs = (expression) => { const cron = parseCronExpression(expression); let date = new Date(2026, 0, 1); return [1, 2, 3].map(() => { date = cron.getNextDate(date); return (date - new Date(2026, 0, 1)) / 60000; }); };
const minutes = time.every(90).minutes(), hours = time.every(36).hours();
console.log(minutes, runs(minutes), hours, runs(hours), time.everyHourAt(90));
assert.equal(minutes, '*/90 * * * *');
assert.deepEqual(runs(minutes), [60, 120, 180]);
assert.equal(hours, '0 */36 * * *');
assert.deepEqual(runs(hours), [1440, 2880, 4320]);
assert.equal(time.everyHourAt(90), '90 * * * *');
assert.throws(() => parseCronExpression('90 * * * *'));
JS
TZ=UTC node every.cjs
echo "as described"
