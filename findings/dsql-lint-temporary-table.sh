#!/usr/bin/env bash
# dsql-lint 0.2.22 (PyPI) --fix makes a permanent table of a temporary one.
#
# Expected: temporary tables do not exist in Aurora DSQL, and nothing that does means the same, so --fix would leave the
#           statement as it is and end with 1 ("unfixable errors remain").
# Seen:     the word TEMP goes, the table is ordinary, exit code 3 ("all issues fixed, but some produced warnings").
#           A pipeline that lets 3 pass, as the tool's own help shows, then creates a table that every session shares,
#           that is still there at the next run, and whose second creation fails.
# So:       take its warnings about TEMPORARY as errors.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dsql-lint==0.2.22
env/bin/dsql-lint --version

echo 'CREATE TEMP TABLE basket (id int PRIMARY KEY);' > in.sql
code=0; env/bin/dsql-lint --fix in.sql -o out.sql || code=$?
echo "exit code $code:"; cat out.sql
[ "$code" = 3 ]
tr '\n' ' ' < out.sql | grep -q '^CREATE TABLE basket'
if grep -qi 'temp' out.sql; then echo "changed: still temporary"; exit 1; fi
echo "as described"
