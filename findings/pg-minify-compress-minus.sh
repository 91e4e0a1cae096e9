#!/usr/bin/env bash
# pg-minify 1.8.0 (npm) with `compress` turns a subtraction of a negative number into a comment.
# Seen on 2026-11-30.
#
# Expected: what comes out means what went in: "removes all unnecessary spaces" keeps those that are necessary.
# Seen:     `select 10 - -3 as n` becomes `select 10--3 as n`, and for PostgreSQL all from `--` on is a comment: the answer is
#           10, without a name, and no error. In a longer statement, which is on one line now, everything behind it is gone, a
#           WHERE too. Two string parts on two lines, 'a' and 'b' (the string ab), become 'a''b' (the string a'b), and
#           `a/**/b` becomes `ab`, also without `compress`. pg-minify itself takes `10--3` for a comment when it is asked again.
# So:       do not use `compress` (an option of pg-promise's QueryFile too, which hands it on), or write `- (-3)`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg-minify@1.8.0
cat > minus.cjs <<'JS'
const assert = require('node:assert/strict');
const minify = require('pg-minify');
const sql = 'update account\nset balance = balance - -3\nwhere id = 1';
const once = minify(sql, { compress: true });
const twice = minify(once, { compress: true });
console.log(once); console.log(twice);
assert.equal(once, 'update account set balance=balance--3 where id=1');
assert.equal(twice, 'update account set balance=balance');
assert.equal(minify("select 'a'\n'b'", { compress: true }), "select'a''b'");
assert.equal(minify('select a/**/b'), 'select ab');
assert.equal(minify(sql), 'update account set balance = balance - -3 where id = 1');
JS
node minus.cjs
echo "as described"
