#!/usr/bin/env bash
# minifysql 0.1.0 (PyPI, makes SQL shorter) looks for blanks and comments inside of strings.
# Seen on 2026-12-01.
#
# Expected: the statement means what it meant.
# Seen:     'x  y' becomes 'x y', '/* no */' an empty string, and at '-- no' the rest is gone with the closing quote. "5 - -3" becomes "5--3", which PostgreSQL
#           reads as 5 with a comment behind it. Nothing is raised.
# So:       other values are stored and other numbers computed, without an error for two of the four. sqlparse's strip_comments keeps strings.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check minifysql==0.1.0 pglast==7.22
cat > look.py <<'PY'
import minifysql, pglast
from pglast.parser import ParseError
minify = minifysql.minify if callable(minifysql.minify) else minifysql.minifysql
def value(sql):
    try:
        node = pglast.parse_sql(sql)[0].stmt.targetList[0].val
    except ParseError:
        return 'refused'
    return node.val.sval if hasattr(node.val, 'sval') else node.val.ival if hasattr(node, 'val') else type(node).__name__
for sql, seen in (("select 'x  y'", 'x y'), ("select '/* no */'", ''), ("select '-- no' as a", 'refused'), ("select 'it''s'", "it's")):
    after = minify(sql)
    print([sql, value(sql), after, value(after)])
    assert value(after) == seen
after = minify('select 5 - -3 as n')
print(after, type(pglast.parse_sql('select 5 - -3 as n')[0].stmt.targetList[0].val).__name__)
assert after == 'select 5--3 as n'
assert pglast.parse_sql(after)[0].stmt.targetList[0].val.val.ival == 5
PY
env/bin/python look.py
echo "as described"
