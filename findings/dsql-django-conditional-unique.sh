#!/usr/bin/env bash
# aurora-dsql-django 0.7.0 (PyPI, AWS's backend) under Django 5.2.8 makes index statements that DSQL does not take.
#
# Expected: the backend writes CREATE [UNIQUE] INDEX ASYNC, the only form that there is, for every index and unique
#           constraint, and leaves the order out of Index(fields=["-rank"]), as Aurora DSQL has none in an index.
# Seen:     a UniqueConstraint with a condition has another template in Django, which the backend does not replace:
#           CREATE UNIQUE INDEX without ASYNC. The order stays as DESC. The model's checks say nothing, and AWS's own
#           dsql-lint 0.2.22 faults both.
# So:       put the output of sqlmigrate through dsql-lint before a migration is run.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aurora-dsql-django==0.7.0 django==5.2.8 'psycopg[binary]==3.3.9' psycopg-pool==3.3.3 dsql-lint==0.2.22
env/bin/python - > made.sql <<'PY'
import django
from django.conf import settings
database = {"ENGINE": "aurora_dsql_django", "HOST": "example.dsql.us-east-1.on.aws", "NAME": "postgres", "USER": "admin"}
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[])
django.setup()
from django.db import connections, models

class Account(models.Model):
    address = models.CharField(max_length=50)
    rank = models.IntegerField()
    closed = models.BooleanField()
    class Meta:
        app_label = "example"
        constraints = [
            models.UniqueConstraint(fields=["address"], name="plain"),
            models.UniqueConstraint(fields=["address"], condition=models.Q(closed=False), name="live"),
        ]
        indexes = [models.Index(fields=["-rank"], name="best")]

connection = connections["default"]
connection.ensure_connection = lambda: None  # nothing is run: the statements are collected
editor = connection.schema_editor(collect_sql=True, atomic=False).__enter__()
for constraint in Account._meta.constraints:
    editor.add_constraint(Account, constraint)
editor.add_index(Account, Account._meta.indexes[0])
print("\n".join(str(statement) for statement in editor.collected_sql))
assert Account.check(databases=["default"]) == []
PY
cat made.sql
grep -q 'CREATE UNIQUE INDEX ASYNC "plain"' made.sql
grep -q 'CREATE UNIQUE INDEX "live" ON "example_account" ("address") WHERE' made.sql
grep -q 'CREATE INDEX ASYNC "best" ON "example_account" ("rank" DESC)' made.sql
env/bin/dsql-lint made.sql > seen 2>&1 && exit 1; cat seen
[ "$(grep -c '^made.sql:' seen)" = 2 ]
grep -q 'sort direction DESC is not supported in DSQL' seen
echo "as described"
