#!/usr/bin/env bash
# aurora-dsql-tortoise-orm 0.2.0 (PyPI, AWS's adapter) has no part in the migrations that tortoise-orm 1.1.9 itself makes.
#
# Expected: with the engine `aurora_dsql_tortoise.asyncpg`, `tortoise sqlmigrate` writes what generate_schemas() would run:
#           CREATE INDEX ASYNC, a BIGINT identity with a CACHE, no foreign key.
# Seen:     the same models give two schemas: the command, which came with Tortoise 1.0, writes plain PostgreSQL
#           (BIGSERIAL, CREATE INDEX, REFERENCES … ON DELETE CASCADE), without a word. AWS's own dsql-lint 0.2.22 passes
#           the first and faults the second.
# So:       an application that worked with generate_schemas() fails at its first migration on a cluster; put the output of
#           sqlmigrate through dsql-lint and run that by hand, or use Aerich with the adapter's module for it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aurora-dsql-tortoise-orm==0.2.0 tortoise-orm==1.1.9 asyncpg==0.32.0 dsql-lint==0.2.22
cat > shop.py <<'PY'
from tortoise import fields
from tortoise.models import Model

class Owner(Model):
    id = fields.UUIDField(primary_key=True)
    name = fields.CharField(max_length=100, db_index=True)

class Pet(Model):
    id = fields.BigIntField(primary_key=True)
    owner = fields.ForeignKeyField("models.Owner", related_name="pets")

SETTINGS = {
    "connections": {"default": {"engine": "aurora_dsql_tortoise.asyncpg", "credentials": {
        "host": "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", "user": "admin"}}},
    "apps": {"models": {"models": ["shop"], "migrations": "migrations", "default_connection": "default"}},
}
PY
cat > schema.py <<'PY'
import asyncio
from tortoise import Tortoise, connections
from tortoise.utils import get_schema_sql
from shop import SETTINGS

async def main():
    await Tortoise.init(config=SETTINGS)
    print(get_schema_sql(connections.get("default"), safe=False))

asyncio.run(main())
PY
export PYTHONPATH=.
env/bin/python schema.py > schema.sql
env/bin/tortoise -c shop.SETTINGS init >/dev/null
env/bin/tortoise -c shop.SETTINGS makemigrations >/dev/null
env/bin/tortoise -c shop.SETTINGS sqlmigrate models 0001_initial > migration.sql
echo "== generate_schemas"; cat schema.sql; echo "== sqlmigrate"; cat migration.sql; echo
env/bin/dsql-lint schema.sql
grep -q 'CREATE INDEX ASYNC' schema.sql
grep -q 'AS IDENTITY (CACHE 65536)' schema.sql
if grep -Eq 'REFERENCES|BIGSERIAL' schema.sql; then exit 1; fi
env/bin/dsql-lint migration.sql > lint.txt 2>&1 || true
grep -q 'CREATE INDEX without ASYNC' lint.txt
grep -q '"id" BIGSERIAL' migration.sql
grep -q 'REFERENCES "owner" ("id") ON DELETE CASCADE' migration.sql
if grep -q ASYNC migration.sql; then exit 1; fi
echo "as described"
