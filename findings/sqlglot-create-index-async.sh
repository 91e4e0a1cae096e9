#!/usr/bin/env bash
# sqlglot 30.30.0 (PyPI) reads DSQL's CREATE INDEX ASYNC as another statement and writes that back, without a word.
#
# Expected: a clause that the dialect "postgres" does not know falls back to an opaque command, as it does (with a
#           warning) for CREATE UNIQUE INDEX ASYNC … INCLUDE and for ALTER TABLE ASYNC.
# Seen:     ASYNC becomes the index's name, the index's name the table, and the ON a table's alias or function:
#           `CREATE INDEX ASYNC i ON t(a)` comes back as `CREATE INDEX ASYNC ON i ON T(a)`, no error and no warning.
# So:       whoever formats or rewrites migrations for Aurora DSQL with it must keep these statements out of it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check sqlglot==30.30.0
env/bin/python - <<'PY' 2> warnings.txt
import sqlglot
print("sqlglot", sqlglot.__version__)
tree = sqlglot.parse_one("CREATE INDEX ASYNC i ON t(a)", read="postgres")
back = tree.sql("postgres")
print(type(tree).__name__, "|", back)
assert type(tree).__name__ == "Create" and back == "CREATE INDEX ASYNC ON i ON T(a)", back
PY
[ ! -s warnings.txt ] || { echo "changed: it warns"; cat warnings.txt; exit 1; }
echo "as described"
