#!/usr/bin/env bash
# dsql-lint 0.2.22 (PyPI) takes the rows of a pg_dump's COPY for SQL, and they hide the statement behind them.
#
# Expected: its help says that it lints pg_dump output, whose data is `COPY … FROM stdin;`, so the rows would be passed
#           over, and the synchronous CREATE INDEX after them reported as it is without the rows.
# Seen:     one "Failed to parse SQL" whose statement is the rows, the `\.` and the CREATE INDEX together; the index is
#           not reported. With --fix the file keeps the synchronous index, gains an empty line in the data, and ends
#           with exit code 1.
# So:       lint a dump made with `pg_dump --schema-only`, or with `--inserts`; after one parse error the rest of the
#           file has not been looked at.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dsql-lint==0.2.22
env/bin/dsql-lint --version

printf 'CREATE INDEX i ON t(id);\n' > plain.sql
printf 'COPY t (id) FROM stdin;\n1\n2\n\\.\n\nCREATE INDEX i ON t(id);\n' > dump.sql
env/bin/dsql-lint plain.sql > plain.txt 2>&1 || true
env/bin/dsql-lint dump.sql > dump.txt 2>&1 || true
cat dump.txt
grep -q 'CREATE INDEX without ASYNC' plain.txt
if grep -q 'CREATE INDEX without ASYNC' dump.txt; then echo "changed: the index behind the rows is reported"; exit 1; fi
grep -q 'Failed to parse SQL' dump.txt
code=0; env/bin/dsql-lint --fix dump.sql -o fixed.sql > fix.txt 2>&1 || code=$?
[ "$code" = 1 ] && grep -q '^CREATE INDEX i ON' fixed.sql
[ "$(sed -n 2p fixed.sql)" = "" ]
echo "as described"
