#!/usr/bin/env bash
# cron-converter 2.1.0 (npm) runs `0 0 1 * 1` only on a Monday that is the first of a month.
# Seen on 2026-12-01.
#
# Expected: where both days are given cron runs when either fits: on each first and on each Monday, as cron itself and cron-schedule 6.0.0
#           have it; five runs in January 2026.
# Seen:     both must fit: the next runs are on 1 June 2026, 1 February 2027 and 1 March 2027. Its page does not speak of it, and each of
#           the two fields alone is right.
# So:       a preview or a scheduler that is built on it runs a job a few times in two years which the crontab runs weekly. Write two
#           schedules, one for each field.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cron-converter@2.1.0 cron-schedule@6.0.0
cat > days.mjs <<'JS'
import assert from 'node:assert/strict';
import { getSchedule, stringToArray } from 'cron-converter';
import { parseCronExpression } from 'cron-schedule';
const from = new Date('2025-12-31T12:00:00Z');
for (const [text, seen, right] of [
  ['0 0 1 * 1', '2026-06-01 2027-02-01 2027-03-01', '2026-01-01 2026-01-05 2026-01-12'],
  ['0 0 1 * *', '2026-01-01 2026-02-01 2026-03-01', '2026-01-01 2026-02-01 2026-03-01'],
  ['0 0 * * 1', '2026-01-05 2026-01-12 2026-01-19', '2026-01-05 2026-01-12 2026-01-19'],
]) {
  const schedule = getSchedule(stringToArray(text), from, 'UTC');
  const runs = [1, 2, 3].map(() => schedule.next().toISO().slice(0, 10)).join(' ');
  const other = parseCronExpression(text).getNextDates(3, from).map((date) => date.toISOString().slice(0, 10)).join(' ');
  console.log(text, '|', runs, '|', other);
  assert.equal(runs, seen);
  assert.equal(other, right);
}
JS
TZ=UTC node days.mjs
echo "as described"
