#!/usr/bin/env bash
# parse-lcov 1.0.4 and lcov-parse 1.0.0 (npm) lose the functions of a report that lcov 2 wrote.
# Seen on 2026-11-30.
#
# Expected: `FN:start,end,name`, with the last line that lcov has written since 2.0, gives a function of that name with the hits
#           of its FNDA line, or an error.
# Seen:     the end line is taken for the name: functions are called "7" and "12" and have no `hit` at all, so that a report of
#           what is not covered lists each of them, or none; the sums FNF and FNH beside them are right. A name with a comma,
#           `add(int, int)`, is cut at it. parse-lcov also cuts a file's path at its first colon.
# So:       look at `functions.found` and `functions.hit` alone, or take the middle field out before (sed -E
#           's/^(FN:[0-9]+),[0-9]+,/\1,/').
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-lcov@1.0.4 lcov-parse@1.0.0
cat > lcov.cjs <<'JS'
const assert = require('node:assert/strict');
const old = require('lcov-parse');
const parse = require('parse-lcov').default;
const report = (end) => ['TN:', 'SF:src/bank.c', `FN:1,${end ? '7,' : ''}deposit`, `FN:9,${end ? '12,' : ''}refund`, 'FNDA:3,deposit', 'FNDA:0,refund',
  'FNF:2', 'FNH:1', 'DA:1,3', 'DA:9,0', 'LF:2', 'LH:1', 'end_of_record', ''].join('\n');
(async () => {
  for (const read of [(text) => parse(text), (text) => new Promise((done, fail) => old(text, (error, data) => error ? fail(error) : done(data)))]) {
    const list = async (end) => (await read(report(end)))[0].functions;
    const before = await list(false), now = await list(true);
    console.log(JSON.stringify(before.details), JSON.stringify(now.details));
    assert.deepEqual(before.details.map((f) => [f.name, f.hit]), [['deposit', 3], ['refund', 0]]);
    assert.deepEqual(now.details.map((f) => [f.name, f.hit]), [['7', undefined], ['12', undefined]]);
    assert.deepEqual([now.found, now.hit], [2, 1]);
  }
  assert.equal(parse(report(false).replace('src/bank.c', 'src/a:b.c'))[0].file, 'src/a');
})();
JS
node lcov.cjs
echo "as described"
