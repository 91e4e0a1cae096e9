#!/usr/bin/env bash
# pgsql-minify 1.0.7 (npm, makes PostgreSQL statements shorter) drops the operator in front of a negative number.
# Seen on 2026-12-01.
#
# Expected: what comes out is the same statement for PostgreSQL.
# Seen:     `5*-1` becomes `5 1`, and with it `a=-1`, `b>=-2` and `b<>-1` lose theirs: `select a<-1 from t` is now `select a 1 from t`, and
#           `select -1 as a, 5*-1 as b` no statement. A name with a quote in it, "a""b", becomes two, a with the alias b, and that is valid.
#           E'it\'s' is cut at the \'. No error for any of them; `a = -1` with spaces is right.
# So:       queries fail, or read another column, only after minifying. Parse before and after with pgsql-parser 18.2.8, as this script does.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pgsql-minify@1.0.7 pgsql-parser@18.2.8
cat > minify.mjs <<'JS'
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { minify } = require('pgsql-minify');
const { parse } = require('pgsql-parser');
const tree = async (sql) => { try { return JSON.stringify(await parse(sql), (key, value) => (/location|stmt_len/.test(key) ? undefined : value)); } catch { return 'no SQL'; } };
for (const [sql, seen, same] of [
  ['select a from t where b = -1', 'select a from t where b = -1', true],
  ['select a from t where b=-1', 'select a from t where b 1', false],
  ['select 5*-1 as n', 'select 5 1 as n', false],
  ['delete from t where b<>-1', 'delete from t where b 1', false],
  ['select "a""b" from t', 'select "a" "b" from t', false],
  ["select E'it\\'s' as a, 'b' as b", "select e'it\\' s ' as a, ' as b", false],
]) {
  const short = minify(sql).replace(/;$/, '');
  console.log(sql, '->', short);
  assert.equal(short.replaceAll('- 1', '-1'), seen);
  assert.equal(await tree(sql) === await tree(short), same);
}
assert.notEqual(await tree('select "a" "b" from t'), 'no SQL');
JS
node minify.mjs
echo "as described"
