#!/usr/bin/env bash
# psqlformat 1.21.0 (npm, brings pgFormatter along) formats the text of dollar-quoted strings as if it were SQL.
# Seen on 2026-12-01.
#
# Expected: a formatter changes the space between words and leaves strings alone: the statement means what it meant.
# Seen:     $q$it's$q$ becomes $q$ it 's$q$, and a text of two lines in $$ loses its double spaces and gets blank lines at a semicolon. 1.5e+10 becomes
#           "1.5e + 10", which PostgreSQL refuses. Exit code 0. Strings in single quotes stay.
# So:       a migration that fills a table with lessons, mails or JSON writes other texts after formatting. Compare both with pgsql-parser, as this
#           script does.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts psqlformat@1.21.0 pgsql-parser@18.2.8
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { formatSql } = require('psqlformat');
const { parse } = require('pgsql-parser');
const text = async (sql) => (await parse(sql)).stmts[0].stmt.SelectStmt.targetList[0].ResTarget.val.A_Const.sval.sval;
(async () => {
  for (const [sql, seen] of [["select $q$it's$q$", " it 's"], ["select $$a  b; c\n  d$$", null], ["select 'a  b; c'", 'a  b; c']]) {
    const after = formatSql(sql);
    console.log(JSON.stringify([sql, await text(sql), after, await text(after)]));
    if (seen === null) assert.notEqual((await text(after)).trim(), (await text(sql)).trim()); else assert.equal(await text(after), seen);
  }
  const number = formatSql('select 1.5e+10 as n');
  console.log(number);
  assert.match(number, /1\.5e \+ 10/);
  await assert.rejects(parse(number));
})();
JS
node look.cjs
echo "as described"
