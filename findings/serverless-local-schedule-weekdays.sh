#!/usr/bin/env bash
# serverless-local-schedule 0.1.7 (npm, a plugin of the Serverless Framework that writes a local schedule in UTC) makes Sunday to Thursday of MON-FRI.
# Seen on 2026-12-01.
#
# Expected: cron(0 9 ? * MON-FRI *) in Europe/Berlin is 8 o'clock UTC in winter and 7 in summer, Monday to Friday, in expressions that EventBridge takes.
# Seen:     the days come out as 1-5, as a crontab counts. EventBridge counts from Sunday = 1: that is Sunday to Thursday. SUN and 7 (its Saturday)
#           come out as 0, which is no day there. For March and October both days are set ("1-28 3 1-5"), which EventBridge refuses: one must
#           be "?". 2-6 and the hours are right.
# So:       a report of the working week comes on Sunday and not on Friday. Write days as EventBridge's numbers, or use its own schedules with a time zone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts serverless-local-schedule@0.1.7
cat > convert.cjs <<'JS'
const assert = require('node:assert/strict');
const Plugin = require('serverless-local-schedule');
const convert = (rate) => {
  const serverless = { cli: { log() {} }, service: { functions: { report: { events: [{ schedule: { rate, timezone: 'Europe/Berlin' } }] } } } };
  for (const hook of Object.values(new Plugin(serverless, {}).hooks)) hook();
  return serverless.service.functions.report.events.map((event) => event.schedule.rate);
};
const days = (field) => [...new Set(convert(`cron(0 9 ? * ${field} *)`).map((rate) => rate.split(' ')[4]))].join(' ');
for (const [field, seen] of [['MON-FRI', '1-5'], ['SUN', '0'], ['7', '0'], ['2-6', '2-6']]) {
  console.log(field, days(field));
  assert.equal(days(field), seen);
}
const rates = convert('cron(0 9 ? * MON-FRI *)');
console.log(rates);
assert.ok(rates.some((rate) => /^cron\(0 8 1-2\d 3 1-5 \*\)$/.test(rate)));
assert.ok(rates.some((rate) => rate.startsWith('cron(0 7 ? 4-9 ')));
JS
node convert.cjs
echo "as described"
