#!/usr/bin/env bash
# shandy-sqlfmt 0.32.0 (PyPI, `sqlfmt`) puts a space into PostgreSQL's E'…' strings.
# Seen on 2026-12-01.
#
# Expected: a formatter moves white space around tokens; E'one\ntwo' is one, and stays as it is, as b'101' and x'ff' do.
# Seen:     `e 'one\ntwo'`, which PostgreSQL takes for a constant of a type named "e" (its own parser, pgsql-parser 18.2.8, does, and the
#           server then has no such type); with an escaped quote in it the statement is a syntax error. N'…' goes the same way. Exit code 0,
#           though sqlfmt compares the tokens before and after.
# So:       formatting on commit breaks queries that worked. Write chr(10) or a dollar-quoted string instead, or fence the query with
#           `-- fmt: off` and `-- fmt: on`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pgsql-parser@18.2.8
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check shandy-sqlfmt==0.32.0
mkdir sql
cat > sql/lines.sql <<'SQL'
select E'one\ntwo' as lines
SQL
cat > sql/quote.sql <<'SQL'
select E'it\'s' as quote
SQL
cat > sql/bits.sql <<'SQL'
select b'101' as bits, x'ff' as more
SQL
cat > sql/fenced.sql <<'SQL'
-- fmt: off
select E'one\ntwo' as lines
-- fmt: on
SQL
cp -r sql before
env/bin/sqlfmt --quiet sql
head sql/*.sql
test "$(cat sql/lines.sql)" = "select e 'one\\ntwo' as lines"
test "$(cat sql/quote.sql)" = "select e 'it\\'s' as quote"
cmp sql/bits.sql before/bits.sql
grep -q "E'one" sql/fenced.sql
cat > parse.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { parse } from 'pgsql-parser';
const value = async (file) => (await parse(fs.readFileSync(file, 'utf8'))).stmts[0].stmt.SelectStmt.targetList[0].ResTarget.val;
assert.equal((await value('before/lines.sql')).A_Const.sval.sval, 'one\ntwo');
assert.equal((await value('sql/lines.sql')).TypeCast.typeName.names[0].String.sval, 'e');
assert.equal((await value('before/quote.sql')).A_Const.sval.sval, "it's");
await assert.rejects(value('sql/quote.sql'));
JS
node parse.mjs
echo "as described"
