#!/usr/bin/env bash
# ts-postgres 2.0.4 (npm, a PostgreSQL client) gives null for the empty text, for numeric and for every other type that it does not know.
# Seen on 2026-12-01.
#
# Expected: '' is '', 1.50 is a number or a text, an interval at least its text; or the query is refused.
# Seen:     all of them are null, as a NULL is: '', numeric (so sum() of bigint and avg() of int, too), interval, time, boolean[], inet,
#           ranges. No error. As parameters '' is stored as it is, and a numeric is refused as "Unsupported data type".
# So:       totals are null, and a row that is read and written back has NULL where it was empty. Cast in SQL: sum(n)::text, and take another
#           client where '' and NULL are two things.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ts-postgres@2.0.4 @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > values.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { connect } from 'ts-postgres';
const db = await PGlite.create();
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const address = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await address;
const client = await connect({ host: '127.0.0.1', port, user: 'postgres', password: 'x', database: 'postgres' });
const ask = async (sql, values = []) => {
  const { rows } = await client.query(sql, values);
  console.log(sql, values, rows[0][0]);
  return rows[0][0];
};
for (const sql of [
  "select ''::text", 'select 1.50::numeric', 'select sum(n) from (values (1::bigint), (2)) as t(n)', 'select avg(n) from (values (1), (2)) as t(n)',
  "select interval '1 hour'", "select time '12:30'", "select '{t,f}'::boolean[]", "select '10.0.0.1'::inet", "select int4range(1, 5)",
]) assert.equal(await ask(sql), null);
assert.equal(await ask('select $1::text is null', ['']), false);
assert.equal(await ask('select $1::text', ['']), null);
assert.equal(await ask('select 1.50::numeric::text'), '1.50');
assert.deepEqual(await ask("select '{1,2}'::int[]"), [1, 2]);
await assert.rejects(ask('select $1::numeric::text', [1.5]), /Unsupported data type/);
process.exit(0);
JS
timeout 120 node values.mjs
echo "as described"
