#!/usr/bin/env bash
# postgresql-client 2.13.0 (npm, a PostgreSQL client) writes a Date hours off where the zone is not UTC, and arrays that begin at 0.
# Seen on 2026-12-01.
#
# Expected: a Date is a moment, so as a parameter for timestamptz it is that moment, which is what it gives when it reads one; and an array
#           for int[] is {10,20}, whose first element is [1].
# Seen:     the clock of the zone is sent as if it were UTC: with TZ=America/New_York 2026-07-02T12:00Z is stored as 08:00Z and read back so.
#           Arrays are stored as [0:1]={10,20}: [1] is 20, array_upper() is one less, and = says that it is not {10,20}. A numeric NaN is
#           read as 0. With TZ=UTC, as in most containers, dates are right.
# So:       times are wrong as soon as the program runs on a laptop. Send dates as text, date.toISOString(), and arrays as '{10,20}'::int[].
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts postgresql-client@2.13.0 @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > values.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import postgresql from 'postgresql-client';
const db = await PGlite.create();
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const address = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await address;
const client = new postgresql.Connection({ host: '127.0.0.1', port, user: 'postgres', password: 'x', database: 'postgres' });
await client.connect();
const ask = async (sql, params = []) => {
  const { rows } = await client.query(sql, { params });
  console.log(process.env.TZ, sql, rows[0][0]);
  return rows[0][0];
};
const off = process.env.TZ === 'UTC' ? 0 : 4;
const noon = new Date('2026-07-02T12:00:00Z');
assert.equal(await ask("select extract(epoch from $1::timestamptz - '2026-07-02 12:00+00')::int / 3600", [noon]), 0 - off);
assert.equal((await ask('select $1::timestamptz', [noon])).getTime(), noon.getTime() - off * 3600_000);
assert.equal((await ask("select '2026-07-02 12:00+00'::timestamptz")).getTime(), noon.getTime());
assert.equal(await ask("select $1::timestamptz = '2026-07-02 12:00+00'", [noon.toISOString()]), true);
assert.equal(await ask('select ($1::int[])::text', [[10, 20]]), '[0:1]={10,20}');
assert.equal(await ask('select ($1::int[])[1]', [[10, 20]]), 20);
assert.equal(await ask("select $1::int[] = '{10,20}'", [[10, 20]]), false);
assert.equal(await ask("select 'NaN'::numeric"), 0);
process.exit(0);
JS
TZ=America/New_York timeout 120 node values.mjs
TZ=UTC timeout 120 node values.mjs
echo "as described"
