#!/usr/bin/env bash
# @databases/split-sql-query 1.0.4 (npm) cuts a PostgreSQL statement in the middle of a string or a comment.
#
# Expected: it splits at the semicolons that end a statement; PostgreSQL nests comments (`/* a /* b; */ c; */`) and knows
#           strings with backslashes (E'it\'s; x'), and the semicolons in both end nothing.
# Seen:     both are cut, without an error: "c" and "*/ SELECT 1" are two statements, and from E'it\'s on everything is taken
#           the wrong way round: the text after the string becomes a string, and the statement behind it is not split off.
#           dbgate-query-splitter 4.12.0 with its settings for PostgreSQL does the same.
# So:       a migration or lesson script goes to the server in pieces that mean something else; write '' for a quote, do not nest
#           comments, or split with PostgreSQL's own parser. postgres-semicolons 0.1.2 gets both right.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts @databases/split-sql-query@1.0.4 @databases/sql@3.3.0 \
  dbgate-query-splitter@4.12.0 postgres-semicolons@0.1.2 >/dev/null
cat > try.js <<'JS'
const assert = require('assert');
const split = require('@databases/split-sql-query').default, sql = require('@databases/sql').default;
const { splitQuery, postgreSplitterOptions } = require('dbgate-query-splitter');
const { parseSplits } = require('postgres-semicolons');
const format = { escapeIdentifier: name => `"${name}"`, formatValue: (value, i) => ({ placeholder: '$' + (i + 1), value }) };
const first = text => split(sql.__dangerous__rawValue(text)).map(part => part.format(format).text);
const second = text => splitQuery(text, postgreSplitterOptions);
const third = text => parseSplits(text, true).positions.filter(at => typeof at === 'number');
const comment = '/* a /* b; */ c; */ SELECT 1;', string = "SELECT E'it\\'s; x'; SELECT 2;", plain = "SELECT 'a;b'; SELECT 2;";
for (const text of [comment, string, plain]) {
  console.log(text);
  for (const f of [first, second, third]) console.log('   ', JSON.stringify(f(text)));
}
assert.deepStrictEqual(first(plain), ["SELECT 'a;b'", 'SELECT 2']);
assert.deepStrictEqual(first(comment), ['c', '*/ SELECT 1']);
assert.strictEqual(second(comment).length, 2);
for (const f of [first, second]) assert.deepStrictEqual(f(string), ["SELECT E'it\\'s", "x'; SELECT 2;"]);
assert.deepStrictEqual(third(comment), [comment.length - 1]);
assert.deepStrictEqual(third(string), [string.indexOf('; SELECT'), string.length - 1]);
JS
node try.js
echo "as described"
