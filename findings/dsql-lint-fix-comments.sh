#!/usr/bin/env bash
# dsql-lint 0.2.22 (PyPI) --fix drops the comments between statements, and with them a migration tool's own lines.
#
# Expected: its help says that comments "in modified statements" are not kept, so those before and between statements,
#           and of a statement that needs no fix, would be.
# Seen:     of an unmodified statement the comment inside its brackets stays, the line above goes. `-- migrate:up` and
#           `-- migrate:down` (dbmate; goose and Liquibase have such lines too) are gone with exit code 3, and both
#           halves stand there as one script that makes the table and drops it.
# So:       do not feed it migrations of tools that are told by comments; fix each half by itself and put the lines back.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dsql-lint==0.2.22
cat > migration.sql <<'SQL'
-- migrate:up
CREATE TABLE account (id bigint PRIMARY KEY /* given by the bank */);
CREATE INDEX by_id ON account (id);
-- migrate:down
DROP TABLE account;
SQL
code=0; env/bin/dsql-lint --fix migration.sql -o fixed.sql || code=$?
cat fixed.sql
[ "$code" = 3 ]
grep -qx 'CREATE TABLE account (id bigint PRIMARY KEY /\* given by the bank \*/);' fixed.sql
grep -qx 'CREATE INDEX ASYNC by_id ON account(id);' fixed.sql
grep -qx 'DROP TABLE account;' fixed.sql
if grep -q migrate fixed.sql; then exit 1; fi
env/bin/dsql-lint --help | grep -q 'comments in modified statements'
echo "as described"
