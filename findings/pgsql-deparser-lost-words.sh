#!/usr/bin/env bash
# pgsql-deparser 18.3.8 (npm, PostgreSQL's own parse tree back to SQL) leaves words out, and the statement does something else.
# Seen on 2026-12-01.
#
# Expected: deparse(parse(sql)) means what sql means; the page of pgsql-parser 18.2.8, which hands it out,
#           says that nothing changes on the way there and back.
# Seen:     FETCH FIRST … WITH TIES becomes LIMIT, GROUP BY DISTINCT becomes GROUP BY, SELECT INTO TEMP and CREATE UNLOGGED TABLE … AS
#           make ordinary tables, COMMIT AND CHAIN opens no new transaction, and SET LOCAL … TO DEFAULT is for the whole session. All of
#           it is valid and there is no error; CREATE TEMP TABLE … AS, FETCH … ONLY and SET LOCAL … = 'x' are right.
# So:       a tool that rewrites queries through it (row security, schema names, formatting) answers fewer or more rows. Parse its output
#           again and compare the trees before use.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pgsql-deparser@18.3.8 pgsql-parser@18.2.8
cat > round.mjs <<'JS'
import assert from 'node:assert/strict';
import { parse } from 'pgsql-parser';
import { deparse } from 'pgsql-deparser';
const bare = (node) => Array.isArray(node) ? node.map(bare) : node && typeof node === 'object'
  ? Object.fromEntries(Object.entries(node).filter(([key]) => !/location|^list_|^stmt_/.test(key)).map(([key, value]) => [key, bare(value)]))
  : node;
const tree = async (sql) => bare((await parse(sql)).stmts.map((each) => each.stmt));
const round = async (sql) => {
  const back = (await deparse(await parse(sql))).replace(/\s+/g, ' ');
  const same = JSON.stringify(await tree(sql)) === JSON.stringify(await tree(back));
  console.log(same ? 'same ' : 'other', back);
  return [same, back];
};
const lost = {
  'select a from t order by a fetch first 5 rows with ties': 'SELECT a FROM t ORDER BY a LIMIT 5',
  'select a from t group by distinct a, rollup (a, b)': 'SELECT a FROM t GROUP BY a, ROLLUP (a, b)',
  'select a into temp u from t': 'SELECT a INTO u FROM t',
  'create unlogged table u as select 1 as a': 'CREATE TABLE u AS SELECT 1 AS a',
  'commit and chain': 'COMMIT',
  'set local search_path to default': 'SET search_path TO DEFAULT',
};
for (const [sql, back] of Object.entries(lost)) assert.deepEqual(await round(sql), [false, back]);
for (const sql of ['select a from t order by a fetch first 5 rows only', 'create temp table u as select 1 as a', "set local search_path = 'x'"]) {
  assert.equal((await round(sql))[0], true);
}
JS
node round.mjs
echo "as described"
