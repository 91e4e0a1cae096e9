#!/usr/bin/env bash
# postgres-range 1.1.4 (npm, PostgreSQL's ranges for node-postgres) says no for a range that is contained, and yes for one that is not.
# Seen on 2026-12-01.
#
# Expected: a.containsRange(b) answers as PostgreSQL's `a @> b`: [1,10) holds itself, [5,10) and the empty range, and not [2,) or (,).
# Seen:     for a half-open range, the form in which the server gives every range of whole numbers or days, it is false as soon as the
#           upper bounds are equal: [1,10) does not hold [1,10). A range without an upper or lower bound counts as contained in each
#           that it overlaps, [1,10) holds (,), and the empty range in none. containsPoint() is right.
# So:       a check of bookings against opening hours lets an unbounded one in and refuses the last of the day; ask the database, or
#           compare the bounds yourself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts postgres-range@1.1.4
cat > contains.cjs <<'JS'
const assert = require('node:assert/strict');
const { parse } = require('postgres-range');
const range = (text) => parse(text, Number);
for (const [a, b, right, seen] of [
  ['[1,10)', '[5,9]', true, true],
  ['[1,10)', '[12,15)', false, false],
  ['[1,10]', '[5,10]', true, true],
  ['[1,10)', '[1,10)', true, false],
  ['[1,10)', '[5,10)', true, false],
  ['[1,10)', 'empty', true, false],
  ['[1,10)', '[2,)', false, true],
  ['[1,10)', '(,3)', false, true],
  ['[1,10)', '(,)', false, true],
]) {
  const answer = range(a).containsRange(range(b));
  console.log(`${a} @> ${b}`, answer, answer === right ? '' : '<- PostgreSQL: ' + right);
  assert.equal(answer, seen);
}
assert.deepEqual([1, 9, 10].map((n) => range('[1,10)').containsPoint(n)), [true, true, false]);
JS
node contains.cjs
echo "as described"
