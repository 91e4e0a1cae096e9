#!/usr/bin/env bash
# pgsql-ast-parser 12.0.2 (npm, PostgreSQL's statements as a tree and back) changes values that it reads, without a word.
#
# Expected: what toSql() writes of a tree means the same as the statement that was parsed, or parse() refuses what it does not
#           know, as it does for INCLUDE and for ASYNC in CREATE INDEX.
# Seen:     `SELECT 1e3` is 1 with the column name e3; `(a, b) IN ((1, 2))` becomes `(a, b) IN ((1), (2))`, which no server
#           takes; `WHERE id = 9007199254740993` asks for ...992, another row. No error for any of them. pgsql-parser 18.2.8,
#           which is PostgreSQL's own parser, keeps all three.
# So:       do not send what it writes to a database without comparing: keyset pagination uses the row form, and identifiers made
#           of a time and a number pass 2^53.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund pgsql-ast-parser@12.0.2 pgsql-parser@18.2.8 >/dev/null
cat > try.js <<'JS'
const assert = require('assert');
const { parse, toSql } = require('pgsql-ast-parser');
(async () => {
  const own = require('pgsql-parser');
  if (own.loadModule) await own.loadModule();
  const again = async text => own.deparse(await own.parse(text));
  const plain = text => text.replace(/\s+/g, ' ').trim();
  const seen = {};
  for (const text of ['SELECT 1e3', 'SELECT x FROM t WHERE (a, b) IN ((1, 2))', 'SELECT x FROM t WHERE id = 9007199254740993']) {
    seen[text] = [plain(parse(text).map(s => toSql.statement(s)).join(';')), plain(await again(text))];
    console.log(text, '\n    pgsql-ast-parser', seen[text][0], '\n    pgsql-parser    ', seen[text][1]);
  }
  const [number, row, large] = Object.values(seen);
  assert.strictEqual(number[0].toLowerCase(), 'select (1) as e3');
  assert.match(row[0], /\(a, b\) IN \(\(1\), \(2\)\)/);
  assert.match(large[0], /9007199254740992/);
  assert.match(number[1], /1e3/i);
  assert.match(row[1], /\(\(1, 2\)\)/);
  assert.match(large[1], /9007199254740993/);
  assert.throws(() => parse('CREATE INDEX ASYNC i ON t(a)'));
})().catch(error => { console.error(error); process.exit(1); });
JS
node try.js
echo "as described"
