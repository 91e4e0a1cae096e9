#!/usr/bin/env bash
# node-pg-migrate 9.0.0 (npm, PostgreSQL migrations) leaves the rest of an SQL migration out behind a comment about down migrations.
# Seen on 2026-12-01.
#
# Expected: the line `-- Down Migration` ends the part that goes up; a comment that speaks of down migrations is a comment.
# Seen:     any comment that begins with the words is taken for the mark, in any case and with anything behind them. The table after the
#           comment `-- Down migrations of this table lose its rows.` is not made; the migration is noted as done, without an error,
#           and going down runs the lines that make the table. With the words not at the comment's beginning all is run.
# So:       a database lacks what the file says. Let no comment of an SQL migration begin with "up migration" or "down migration", and
#           look at the tables after the first run.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-pg-migrate@9.0.0 pg@8.23.1 @electric-sql/pglite@0.5.14
write() {
  mkdir "$1"
  printf '%s\n' '-- Up Migration' 'create table first (id int);' "$2" 'create table second (id int);' '' \
    '-- Down Migration' 'drop table second;' 'drop table first;' > "$1/1700000000000_tables.sql"
}
write cut '-- Down migrations of this table lose its rows.'
write whole '-- The down migrations of this table lose its rows.'
cat > migrate.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { runner } from 'node-pg-migrate';
const tables = async (dir) => {
  const db = await PGlite.create();
  const query = async (text, values) => {
    const sql = text.text ?? text;
    return values?.length ? db.query(sql, values) : (await db.exec(sql)).at(-1) ?? { rows: [] };
  };
  const done = await runner({ dbClient: { query, on() {} }, dir, direction: 'up', migrationsTable: 'done', noLock: true, log() {} });
  const { rows } = await db.query("select tablename from pg_tables where schemaname = 'public' and tablename <> 'done' order by 1");
  const noted = await db.query('select count(*)::int as n from done');
  await db.close();
  const seen = { run: done.length, noted: noted.rows[0].n, tables: rows.map((row) => row.tablename) };
  console.log(dir, seen);
  return seen;
};
assert.deepEqual(await tables('cut'), { run: 1, noted: 1, tables: ['first'] });
assert.deepEqual(await tables('whole'), { run: 1, noted: 1, tables: ['first', 'second'] });
JS
timeout 120 node migrate.mjs
echo "as described"
