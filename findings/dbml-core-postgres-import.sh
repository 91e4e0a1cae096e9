#!/usr/bin/env bash
# @dbml/core 10.2.0 (npm, PostgreSQL's DDL as DBML) leaves columns out that came later, and makes whole unique indexes of partial ones.
# Seen on 2026-12-01.
#
# Expected: importer.import(sql, 'postgres') of a schema, or of migrations one after the other, describes the tables as they are at the
#           end, or names the statement that it does not take; ALTER TABLE … ADD CONSTRAINT it takes.
# Seen:     ADD COLUMN, DROP COLUMN, SET NOT NULL and SET DEFAULT are passed over without a word: the new column is not there, the old
#           one is. CREATE UNIQUE INDEX … WHERE active becomes unique for all rows, and a generated column an ordinary one. Of
#           DEFAULT 'it''s' and E'a\nb' it writes DBML that its own parser refuses.
# So:       a diagram or DDL made of it is of another schema, with a constraint that refuses valid rows. Import one pg_dump --schema-only
#           in place of migrations, and look through defaults and partial indexes by hand.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @dbml/core@10.2.0
cat > import.cjs <<'JS'
const assert = require('node:assert/strict');
const { importer, exporter } = require('@dbml/core');
const dbml = importer.import(`
  CREATE TABLE orders (id bigint PRIMARY KEY, name text, old text, active boolean, total int GENERATED ALWAYS AS (1 + 2) STORED);
  CREATE UNIQUE INDEX one_active ON orders (name) WHERE active;
  ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT 'x';
  ALTER TABLE orders DROP COLUMN old;
  ALTER TABLE orders ALTER COLUMN name SET NOT NULL;
  ALTER TABLE orders ALTER COLUMN active SET DEFAULT true;
  ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);`, 'postgres');
console.log(dbml);
const lines = dbml.split('\n').map((line) => line.trim());
assert.ok(!dbml.includes('note'));
for (const line of ['"old" text', '"name" text', '"active" boolean', '"total" int', 'name [unique, name: "one_active"]']) assert.ok(lines.includes(line), line);
assert.ok(dbml.includes('positive'));
const sql = exporter.export(dbml, 'postgres');
assert.match(sql, /CREATE UNIQUE INDEX "one_active" ON "orders" \("name"\);/);

for (const [value, readable] of [["'its'", true], ["'it''s'", false], ["E'a\\nb'", false]]) {
  const one = importer.import(`CREATE TABLE t (a text DEFAULT ${value});`, 'postgres');
  let read = true;
  try { exporter.export(one, 'postgres'); } catch { read = false; }
  console.log(value, one.split('\n')[1].trim(), read ? 'is read' : 'is refused');
  assert.equal(read, readable);
}
JS
node import.cjs
echo "as described"
