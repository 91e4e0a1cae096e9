#!/usr/bin/env bash
# node-sql-parser 5.4.0 (npm, SQL as a tree and back) writes other PostgreSQL statements than it has read.
# Seen on 2026-12-01.
#
# Expected: with its dialect "postgresql", sqlify(astify(sql)) asks for the same, or astify() says that it does not know the syntax, as it
#           does often.
# Seen:     the columns of `(VALUES …) AS v(a, b)` become part of one name, "v(a, b)"; a quote inside a name, "a""b", becomes the column
#           a under the name b; ONLY becomes the table, and the table's name its alias; DROP TABLE a, b CASCADE gives b the alias
#           "CASCADE". No error. PostgreSQL's own parser, pgsql-parser 18.2.8, takes the first three and finds other tables and columns.
# So:       a query that is rewritten through it (a filter, a limit added) reads something else. Parse its output with pgsql-parser and
#           compare, or rewrite with pgsql-parser alone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-sql-parser@5.4.0 pgsql-parser@18.2.8
cat > round.mjs <<'JS'
import assert from 'node:assert/strict';
import sql from 'node-sql-parser';
import { parse } from 'pgsql-parser';
const parser = new sql.Parser(), dialect = { database: 'postgresql' };
const round = (text) => {
  const back = parser.sqlify(parser.astify(text, dialect), dialect);
  console.log(text, '->', back);
  return back;
};
const select = async (text) => (await parse(text)).stmts[0].stmt.SelectStmt;

const values = "SELECT v.a FROM (VALUES (1, 'x')) AS v(a, b)";
assert.match(round(values), /AS "v\(a, b\)"$/);
assert.equal((await select(values)).fromClause[0].RangeSubselect.alias.colnames.length, 2);
assert.equal((await select(round(values))).fromClause[0].RangeSubselect.alias.aliasname, 'v(a, b)');
assert.equal((await select(round(values))).fromClause[0].RangeSubselect.alias.colnames, undefined);

const quoted = 'SELECT "a""b" FROM t';
const target = async (text) => (await select(text)).targetList[0].ResTarget;
assert.equal((await target(quoted)).val.ColumnRef.fields[0].String.sval, 'a"b');
assert.equal((await target(round(quoted))).val.ColumnRef.fields[0].String.sval, 'a');
assert.equal((await target(round(quoted))).name, 'b');

const only = 'SELECT * FROM ONLY orders';
const table = async (text) => (await select(text)).fromClause[0].RangeVar;
assert.deepEqual([(await table(only)).relname, (await table(only)).alias], ['orders', undefined]);
assert.deepEqual([(await table(round(only))).relname, (await table(round(only))).alias.aliasname], ['ONLY', 'orders']);

assert.match(round('DROP TABLE a, b CASCADE'), /"b" AS "CASCADE"$/);
await assert.rejects(parse(round('DROP TABLE a, b CASCADE')));
JS
node round.mjs
echo "as described"
