#!/usr/bin/env bash
# cron-humanize 1.0.7 (npm, a Quartz expression in words) is a month late.
# Seen on 2026-12-01.
#
# Expected: `0 0 12 ? 6 2 *` is noon on Mondays in June; 12 is December, and "1,15" the 1st and the 15th.
# Seen:     "in the month of July", 12 is "undefined", 1-12 is "February through undefined", and the days are "the st and 15". Names (JAN) are right, and
#           so are days of the week. Each call also prints a debugging object to standard output.
# So:       the words beside a schedule say another month. Write months as names, or use cronstrue.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts cron-humanize@1.0.7
cat > say.cjs <<'JS'
const assert = require('node:assert/strict');
const module_ = require('cron-humanize');
const Parser = module_.CronParser ?? module_.default;
const parser = typeof Parser === 'function' ? new Parser() : Parser;
const said = (expression) => { const log = console.log; let noise = 0; console.log = () => { noise += 1; }; try { return [parser.humanize(expression), noise]; } finally { console.log = log; } };
for (const [expression, seen] of [['0 0 12 ? 6 2 *', 'in the month of July, only on Mondays'], ['0 0 12 ? 12 2 *', 'in the month of undefined, only on Mondays'],
  ['0 0 12 ? 1-12 2 *', 'February through undefined'], ['0 5 14 1,15 * ? *', 'during the st and 15 of every month'], ['0 0 12 ? JAN MON *', 'in the month of January, only on Mondays']]) {
  const [words, noise] = said(expression);
  console.log(expression, words);
  assert.ok(words.includes(seen));
  assert.ok(noise > 0);
}
JS
node say.cjs
echo "as described"
