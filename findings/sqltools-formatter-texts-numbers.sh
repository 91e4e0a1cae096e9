#!/usr/bin/env bash
# @sqltools/formatter 1.2.5 and sql-formatter-plus 1.3.6 (npm, SQL formatters of an editor's extension and a fork) change strings and numbers.
# Seen on 2026-12-01.
#
# Expected: formatted SQL is the same statement.
# Seen:     in a $q$…$q$ "it's" becomes "it 's" and double spaces one, from both. 1e-5 becomes "1e -5", which PostgreSQL refuses, and x'1F' "x '1F'", which
#           asks for a type x. The fork puts a space behind the E of E'\n' and into the operators @> and <<, too.
# So:       format on save spoils a statement, and texts change without an error. Use sql-formatter 15 with language postgresql, which keeps all of them.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @sqltools/formatter@1.2.5 sql-formatter-plus@1.3.6 sql-formatter@15.6.9 pgsql-parser@18.2.8
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { parse } = require('pgsql-parser');
const tools = (sql) => require('@sqltools/formatter').format(sql);
const plus = (sql) => require('sql-formatter-plus').format(sql, { language: 'pl/sql' });
const peer = (sql) => require('sql-formatter').format(sql, { language: 'postgresql' });
const tree = async (sql) => { try { return JSON.stringify(await parse(sql), (key, value) => /location|stmt_len/.test(key) ? undefined : value); } catch { return 'refused'; } };
(async () => {
  for (const [sql, a, b] of [["select $q$it's  a$q$", 'other', 'other'], ['select 1e-5', 'refused', 'refused'], ["select x'1F'", 'other', 'other'],
    ["select E'\\n'", 'same', 'other'], ['select a @> b', 'same', 'refused'], ['select a << 1, b - 1', 'same', 'refused'], ["select 'a  b'", 'same', 'same']]) {
    const before = await tree(sql);
    assert.notEqual(before, 'refused');
    const told = [];
    for (const format of [tools, plus, peer]) { const after = await tree(format(sql)); told.push(after === before ? 'same' : after === 'refused' ? after : 'other'); }
    console.log(sql, JSON.stringify([tools(sql), plus(sql), peer(sql)]), told.join());
    assert.deepEqual(told, [a, b, 'same']);
  }
})();
JS
node look.cjs
echo "as described"
