#!/usr/bin/env bash
# extract-pg-schema 5.8.2 and pg-structure 7.15.3 (npm, a PostgreSQL schema as objects) count an index's INCLUDE columns among its keys.
# Seen on 2026-12-01.
#
# Expected: UNIQUE INDEX ON orders (uid) INCLUDE (name) is unique over uid alone; name is only kept beside it. The server tells them apart
#           (pg_index.indnkeyatts), and its own pg_get_indexdef() writes both.
# Seen:     both list uid and name alike as the index's columns, with nothing that would tell which is which, and the index as unique: the
#           same as for UNIQUE (uid, name). For a plain index ON orders (at) INCLUDE (name) it is the same.
# So:       code made from it (kanel, find-by-key functions, upserts with ON CONFLICT) asks for two columns where one is the key, and the
#           server refuses it. Read pg_get_indexdef() for indexes that may have INCLUDE, which covering indexes on Aurora DSQL do.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts extract-pg-schema@5.8.2 pg-structure@7.15.3 pg@8.23.1 \
  @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > read.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import extract from 'extract-pg-schema';
import structure from 'pg-structure';
import pg from 'pg';
const db = await PGlite.create();
await db.exec(`
  create table orders (uid uuid, name text, at date);
  create unique index covering on orders (uid) include (name);
  create unique index both_keys on orders (uid, name);
  create index plain on orders (at) include (name);`);
const keys = await db.query("select indnkeyatts::int as n from pg_index where indexrelid = 'covering'::regclass");
assert.equal(keys.rows[0].n, 1);
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const address = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await address;
const connection = { host: '127.0.0.1', port, user: 'postgres', password: 'x', database: 'postgres' };

const { indices } = (await extract.extractSchemas(connection, { schemas: ['public'] })).public.tables[0];
const first = Object.fromEntries(indices.map((index) => [index.name, [index.isUnique, ...index.columns.map((column) => column.name)]]));
console.log(first);
const expected = { covering: [true, 'uid', 'name'], both_keys: [true, 'uid', 'name'], plain: [false, 'at', 'name'] };
assert.deepEqual(first, expected);
const bare = (name) => JSON.stringify(indices.find((index) => index.name === name)).replaceAll(name, '');
assert.equal(bare('covering'), bare('both_keys'));

const client = new pg.Client(connection);
await client.connect();
const read = await (structure.default ?? structure)(client, { includeSchemas: ['public'] });
const second = Object.fromEntries([...read.schemas.get('public').tables.get('orders').indexes]
  .map((index) => [index.name, [index.isUnique, ...index.columns.map((column) => column.name)]]));
console.log(second);
assert.deepEqual(second, expected);
process.exit(0);
JS
timeout 120 node read.mjs 2>/dev/null
echo "as described"
