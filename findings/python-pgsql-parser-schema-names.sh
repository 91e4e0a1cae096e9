#!/usr/bin/env bash
# python-pgsql-parser 0.2.0 (PyPI, tables and columns of PostgreSQL's DDL) calls a table "(" when its schema is named.
# Seen on 2026-12-01.
#
# Expected: of `create table app.orders (…)` a table "orders" in the schema "app", with its columns.
# Seen:     the table "(" in the schema "app"; "orders" is nowhere. A constraint "unique (a, b)" is a column "unique". No error. Of two tables in
#           one schema only the second is left, since both are "(". Parts of the text are printed to standard output. Without a schema the name is right.
# So:       a dump of pg_dump, which writes the schema everywhere, has no names, and one table too few. Use pglast.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check python-pgsql-parser==0.2.0
cat > look.py <<'PY'
import contextlib, io
from pgsql_parser import SQLParser
def tables(sql):
    noise = io.StringIO()
    with contextlib.redirect_stdout(noise):
        found = SQLParser(sql).tables
    return (found.values() if isinstance(found, dict) else found), noise.getvalue()
def told(sql):
    found, noise = tables(sql)
    return [(t.name, t.schema, [c.name for c in (t.columns.values() if isinstance(t.columns, dict) else t.columns)]) for t in found], len(noise)
for sql in ('create table orders (a int, b int);', 'create table app.orders (a int, b int, unique (a, b));', 'create table app.orders (a int); create table app.steps (b int);'):
    print(sql, told(sql))
assert told('create table orders (a int, b int);')[0] == [('orders', None, ['a', 'b'])]
assert told('create table app.orders (a int, b int, unique (a, b));')[0] == [('(', 'app', ['a', 'b', 'unique'])]
assert told('create table app.orders (a int); create table app.steps (b int);')[0] == [('(', 'app', ['b'])]
assert told('create table app.orders (a int);')[1] > 0
PY
env/bin/python look.py
echo "as described"
