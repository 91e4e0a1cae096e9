#!/usr/bin/env bash
# pg-escape 0.2.0 (npm, PostgreSQL's format() for Node.js) leaves names with capital letters without quotes.
# Seen on 2026-12-01.
#
# Expected: %I does what PostgreSQL's quote_ident() and format('%I') do: "orderItems" and "Order" in quotes, since without them they are orderitems
#           and a reserved word.
# Seen:     both come out bare, and so does SELECT; only small letters are looked up among the reserved words ("select" has quotes). %Q of an empty text
#           is nothing at all, not an empty string. pg-format 1.0.4 quotes all of them.
# So:       a table of an ORM that writes names in camel case is "not there", or another one of that name is changed. Use pg-format.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg-escape@0.2.0 pg-format@1.0.4
cat > names.cjs <<'JS'
const assert = require('node:assert/strict');
const escape = require('pg-escape'), format = require('pg-format');
for (const [name, seen, right] of [['orderItems', 'orderItems', '"orderItems"'], ['Order', 'Order', '"Order"'], ['SELECT', 'SELECT', '"SELECT"'], ['select', '"select"', '"select"'],
  ['a b', '"a b"', '"a b"'], ['plain', 'plain', 'plain']]) {
  console.log(name, escape('%I', name), format('%I', name));
  assert.equal(escape('%I', name), seen);
  assert.equal(format('%I', name), right);
}
assert.equal(escape('select %Q', ''), 'select ');
assert.match(escape('select %Q', 'x'), /^select (\$[a-z]\$)x\1$/);
JS
node names.cjs
echo "as described"
