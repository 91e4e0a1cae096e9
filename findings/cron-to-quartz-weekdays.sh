#!/usr/bin/env bash
# cron-to-quartz 1.4.15 (npm, a crontab's line as a Quartz expression) makes every third day of every second one.
# Seen on 2026-12-01.
#
# Expected: Quartz counts the days from Sunday = 1 where cron counts from Sunday = 0, so 0 becomes 1 and 1-5 becomes 2-6, as they do. A step is no day and
#           stays; 7, which is Sunday as well, becomes 1.
# Seen:     each digit of the field is one more: `*/2` is `*/3`, `1-5/2` is `2-6/3`, and 7 is 8, which Quartz does not have. No error.
# So:       a job of every other day runs on other days, and one of Sundays is refused or never runs. Write days out as a list, and Sunday as 0.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cron-to-quartz@1.4.15
cat > days.cjs <<'JS'
const assert = require('node:assert/strict');
const { getQuartz } = require('cron-to-quartz');
const day = (field) => { const [entry] = getQuartz(`0 10 * * ${field}`); return entry[5]; };
for (const [field, seen] of [['1-5', '2-6'], ['1,3', '2,4'], ['0', '1'], ['7', '8'], ['*/2', '*/3'], ['1-5/2', '2-6/3']]) {
  console.log(field, day(field));
  assert.equal(day(field), seen);
}
JS
node days.cjs
echo "as described"
