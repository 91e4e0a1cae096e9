#!/usr/bin/env bash
# date-duration 2.0.0 (npm, ISO 8601 durations added to a Date) goes from 31 January by a month to 3 March, and drops what it does not read.
# Seen on 2026-12-01.
#
# Expected: P1M from 31 January is the end of February, as PostgreSQL's and Temporal's calendars have it, and P1Y from 29 February the 28th. -P1D goes back a
#           day and P1DT1.5H a day and a half hour more than one, or they are refused, as PT1.5H is.
# Seen:     3 March, and 1 March a year later. -P1D goes forward a day; of P1DT1.5H the day is left. No error.
# So:       a monthly step from the 31st passes February over, and an interval of PostgreSQL with a sign or a fraction means another time. Use date-fns or
#           luxon, which keep to the month's end.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts date-duration@2.0.0 luxon@3.5.0
cat > add.mjs <<'JS'
import assert from 'node:assert/strict';
import module from 'date-duration';
import { DateTime, Duration } from 'luxon';
const create = module.default ?? module;
const add = (iso, day) => create(iso).addTo(new Date(`${day}T00:00Z`)).toISOString().slice(0, 16);
for (const [iso, day, seen] of [['P1M', '2026-01-31', '2026-03-03T00:00'], ['P1Y', '2028-02-29', '2029-03-01T00:00'], ['-P1D', '2026-05-05', '2026-05-06T00:00'],
  ['P1DT1.5H', '2026-05-05', '2026-05-06T00:00'], ['PT36H', '2026-05-05', '2026-05-06T12:00']]) {
  console.log(iso, day, add(iso, day));
  assert.equal(add(iso, day), seen);
}
assert.throws(() => create('PT1.5H'));
assert.equal(DateTime.fromISO('2026-01-31').plus(Duration.fromISO('P1M')).toISODate(), '2026-02-28');
JS
TZ=UTC node add.mjs
echo "as described"
