#!/usr/bin/env bash
# yesql 7.0.0 (npm) and sqlparams 6.2.0 (PyPI), named parameters in SQL, replace what is no parameter in PostgreSQL.
# Seen on 2026-12-01.
#
# Expected: `:id` is one; `a::text`, the bounds of a slice `a[low:high]`, and colons inside strings, $$ strings and comments are none.
# Seen:     yesql keeps strings and comments and makes parameters of a slice's bound and of ":note" in a $$ string. sqlparams does so in every string and
#           comment: ':x' becomes '%s', and the values are one more than the statement has places for. With a name that is not given: KeyError.
# So:       a function's body or a text with "at 10 :ok" in it is stored with "$1" in it, and values arrive in other places. Write slices
#           with a space, `a[low : high]`, and keep bodies in files of their own.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts yesql@7.0.0
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check sqlparams==6.2.0
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const { pg } = require('yesql');
const given = { id: 1, high: 2, note: 'n' };
const seen = ["select a::text, ':note', :id -- :note", 'select a[low:high], :id', 'select $$ see :note $$, :id', 'select a[low : high], :id'].map((text) => pg(text)(given).text.trim());
console.log(seen);
assert.deepEqual(seen, ["select a::text, ':note', $1", 'select a[low$1], $2', 'select $$ see $1 $$, $2', 'select a[low : high], $1']);
JS
node read.cjs
env/bin/python - <<'PY'
import sqlparams
convert = sqlparams.SQLParams("named", "format").format
seen = [convert(text, {"id": 1, "x": 2}) for text in ("select a::text, :id", "select ':x', :id", "select :id -- :x", "select $$ :x $$, :id")]
print(seen)
assert seen == [("select a::text, %s", [1]), ("select '%s', %s", [2, 1]), ("select %s -- %s", [1, 2]), ("select $$ %s $$, %s", [2, 1])]
try:
    convert("select ':other', :id", {"id": 1})
    raise SystemExit("taken")
except KeyError as problem:
    print("KeyError", problem)
PY
echo "as described"
