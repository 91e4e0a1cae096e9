#!/usr/bin/env bash
# enhanced-ms 5.0.0 and duration-timestamp 2.26.0 (npm, durations from texts) read a part of the number.
# Seen on 2026-12-01.
#
# Expected: ".5h" is half an hour and "120m" two hours, as ms 2.1.3 and parse-duration 2.1.4 have them, or they are refused.
# Seen:     enhanced-ms makes five hours of ".5h". duration-timestamp takes the last two digits: "120m" is 20 minutes, "150m" is 50, "100s" and
#           "100:00" are nothing at all. No error.
# So:       a time limit of ten times the length, or none. Write 0.5h, and hours beside the minutes (2h).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts enhanced-ms@5.0.0 duration-timestamp@2.26.0 ms@2.1.3 parse-duration@2.1.4
cat > look.mjs <<'JS'
import assert from 'node:assert/strict';
import { ms } from 'enhanced-ms';
import { parse } from 'duration-timestamp';
import plain from 'ms';
import parseDuration from 'parse-duration';
console.log(ms('0.5h'), ms('.5h'), plain('.5h'), parseDuration('.5h'));
assert.deepEqual([ms('0.5h'), ms('.5h'), plain('.5h'), parseDuration('.5h')], [1800000, 18000000, 1800000, 1800000]);
const seen = ['90s', '20m', '120m', '150m', '100s', '100:00'].map((text) => parse(text).total);
console.log(seen, plain('120m'));
assert.deepEqual(seen, [90, 1200, 1200, 3000, 0, 0]);
assert.equal(plain('120m'), 7200000);
JS
node look.mjs
echo "as described"
