#!/usr/bin/env bash
# aurora-dsql-sqlalchemy 1.3.0 (PyPI, AWS's dialect) leaves the WHERE of a partial unique index out.
#
# Expected: an index's option that the dialect takes is rendered, and one that it cannot render is refused. Aurora DSQL
#           has partial indexes, and dsql-lint 0.2.22 finds no fault with one.
# Seen:     `auroradsql_where` passes without an error or a warning, and the statement ends behind the columns: "one
#           live account per address" becomes "one account per address, for ever". `postgresql_where`, which a model
#           brought over from PostgreSQL has, goes the same way; the word that the dialect does not know is refused.
# So:       create such an index with DDL("CREATE UNIQUE INDEX ASYNC … WHERE …"), and read what create_all() would run.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check --no-deps aurora-dsql-sqlalchemy==1.3.0 sqlalchemy==2.1.9 typing-extensions==4.16.0 dsql-lint==0.2.22
env/bin/python -W error - <<'PY'
from aurora_dsql_sqlalchemy.psycopg import AuroraDSQLDialect_psycopg
from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ArgumentError
from sqlalchemy.schema import CreateIndex

account = Table("account", MetaData(), Column("id", BigInteger, primary_key=True), Column("address", String), Column("closed", Boolean))
def index(dialect, **options):
    made = Index("one_live_account", account.c.address, unique=True, **options)
    return str(CreateIndex(made).compile(dialect=dialect)).strip()

live = account.c.closed.is_(False)
whole = "CREATE UNIQUE INDEX ASYNC one_live_account ON account (address)"
for option in ("auroradsql_where", "postgresql_where"):
    made = index(AuroraDSQLDialect_psycopg(), **{option: live})
    print(f"{option}: {made}")
    assert made == whole, made
assert index(postgresql.dialect(), postgresql_where=live).endswith("(address) WHERE closed IS false")
try:
    index(AuroraDSQLDialect_psycopg(), auroradsql_only=live)
    raise SystemExit("an unknown option was taken")
except ArgumentError:
    pass
PY
echo 'CREATE UNIQUE INDEX ASYNC one_live_account ON account (address) WHERE closed IS false;' > partial.sql
env/bin/dsql-lint partial.sql
echo "as described"
