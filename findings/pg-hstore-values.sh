#!/usr/bin/env bash
# pg-hstore 2.3.4 (npm, objects for PostgreSQL's hstore, used by sequelize) cannot write every text, with or without its `sanitize`.
# Seen on 2026-12-01.
#
# Expected: stringify() of an object is an hstore that holds it, as a parameter of a query; parse() of that is the object.
# Seen:     without `sanitize` a backslash and a quote are left as they are: "C:\temp" is stored as "C:temp", and `say "hi"` is no hstore at
#           all for the server, while the package's own parse() makes `say ` of it. With `sanitize: true` these two are right and an
#           apostrophe is doubled: "it's" is stored as "it''s". The server is PGlite 0.5.14 with its hstore.
# So:       with parameters use `sanitize: true` and replace '' by ' in the text before it is sent; or let the server build it, from two
#           arrays: hstore($1::text[], $2::text[]).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg-hstore@2.3.4 @electric-sql/pglite@0.5.14
cat > store.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { hstore } from '@electric-sql/pglite/contrib/hstore';
import store from 'pg-hstore';
const db = await PGlite.create({ extensions: { hstore } });
await db.exec('create extension hstore');
const stored = async (value, options) => {
  const text = store(options).stringify({ key: value });
  const answer = await db.query("select $1::text::hstore -> 'key' as value", [text]).then(({ rows }) => rows[0].value, () => 'refused');
  console.log(JSON.stringify(value), text, '->', answer);
  return answer;
};
const clean = { sanitize: true };
assert.equal(await stored('plain, with => and blanks'), 'plain, with => and blanks');
assert.equal(await stored('C:\\temp'), 'C:temp');
assert.equal(await stored('say "hi"'), 'refused');
assert.equal(store().parse(store().stringify({ key: 'say "hi"' })).key, 'say ');
assert.equal(await stored("it's"), "it's");
assert.equal(await stored('C:\\temp', clean), 'C:\\temp');
assert.equal(await stored('say "hi"', clean), 'say "hi"');
assert.equal(await stored("it's", clean), "it''s");
const { rows } = await db.query("select hstore($1::text[], $2::text[]) -> 'key' as value", [['key'], ['it\'s "C:\\temp"']]);
assert.equal(rows[0].value, 'it\'s "C:\\temp"');
await db.close();
JS
timeout 120 node store.mjs
echo "as described"
