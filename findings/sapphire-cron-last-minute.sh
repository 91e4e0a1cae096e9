#!/usr/bin/env bash
# @sapphire/cron 1.2.1 (npm) answers with a moment that has passed when it is asked in the last minute of a day.
# Seen on 2026-12-01.
#
# Expected: next(moment) is the first run after the moment, on the next day when this day has none left.
# Seen:     asked at 23:59 UTC it is one of the same day: for `0 12 * * *` noon, eleven hours ago, for `* * * * *` midnight of that morning, and
#           for `59 23 * * *` the moment itself. At 23:58 all are right.
# So:       a timer that is set to next() minus now fires at once, and again and again until midnight. Ask for next() of a minute later, or leave results out that
#           are not later than the moment.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @sapphire/cron@1.2.1
cat > next.cjs <<'JS'
const assert = require('node:assert/strict');
const { Cron } = require('@sapphire/cron');
const next = (expression, time) => new Cron(expression).next(new Date(`2026-06-15T${time}:00Z`)).toISOString().slice(5, 16);
for (const [expression, late, early] of [['0 12 * * *', '06-15T12:00', '06-16T12:00'], ['* * * * *', '06-15T00:00', '06-15T23:59'], ['30 * * * *', '06-15T00:30', '06-16T00:30'],
  ['59 23 * * *', '06-15T23:59', '06-15T23:59']]) {
  console.log(expression, next(expression, '23:59'), next(expression, '23:58'));
  assert.equal(next(expression, '23:59'), late);
  assert.equal(next(expression, '23:58'), early);
}
JS
TZ=UTC node next.cjs
echo "as described"
