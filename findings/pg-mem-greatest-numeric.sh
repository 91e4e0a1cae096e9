#!/usr/bin/env bash
# pg-mem 3.0.14 (npm, PostgreSQL for tests) answers NULL where PostgreSQL answers a number, and keeps cents that it rounds.
# Seen on 2026-11-30.
#
# Expected: what it does not know is refused, with its "not supported"; what it takes is PostgreSQL's answer.
# Seen:     greatest(1, null, 3) and least() are NULL as soon as one value is (PostgreSQL leaves NULLs out: 3). A numeric(10,2)
#           column gives 1.005 back, and sums with it (PostgreSQL stores 1.01). array[1,2] || 3 is the text {1,2}3. An int column
#           takes 3000000000. No error in any.
# So:       tests of amounts and of "the latest of" pass or fail for reasons of their own; put these on a real database.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg-mem@3.0.14
cat > mem.cjs <<'JS'
const assert = require('node:assert/strict');
const { newDb } = require('pg-mem');
const db = newDb().public;
const one = (sql) => { const row = db.many(sql)[0]; console.log(sql, row); return Object.values(row)[0]; };
db.none('create table account (id int, balance numeric(10,2))');
db.none('insert into account values (1, 1.005), (3000000000, 1.005)');
assert.equal(one('select greatest(1, null, 3) as x'), null);
assert.equal(one('select least(1, null, 3) as x'), null);
assert.equal(one('select balance from account where id = 1'), 1.005);
assert.equal(one('select sum(balance) as x from account'), 2.01);
assert.equal(one('select max(id) as x from account'), 3000000000);
assert.equal(one('select array[1,2] || 3 as x'), '{1,2}3');
JS
node mem.cjs
echo "as described"
