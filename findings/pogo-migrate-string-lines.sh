#!/usr/bin/env bash
# pogo-migrate 0.4.7 (PyPI, PostgreSQL migrations in SQL files) drops the lines of a text that begin with two dashes.
# Seen on 2026-12-01.
#
# Expected: comments need not reach the server, but what stands between quotes is data: a page with a front matter between two `---`, a
#           signature's `-- `, SQL kept in a table or in a function's EXECUTE.
# Seen:     each line of a statement that begins with `--` is taken out before it is sent, inside a string or a dollar-quoted body too: of
#           a page "---\ntitle: One\n---\ntext" the row has no second `---`, so no reader finds the front matter's end. The migration
#           succeeds; an indented `--` stays.
# So:       seed data is not what the file says. Put such text on one line with \n in E'…', indent it, or write that migration in Python.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pogo-migrate==0.4.7 pogo-core==0.1.6
cat > 20261201_01_pages.sql <<'SQL'
-- pages
-- depends:

-- migrate: apply
-- the first page
CREATE TABLE page (body text);
INSERT INTO page VALUES ('---
title: One
---
text
  -- indented
');
INSERT INTO page VALUES ($$
-- Anna
$$);

-- migrate: rollback
DROP TABLE page;
SQL
cat > apply.py <<'PY'
import asyncio, pathlib
from pogo_core.migration import Migration

class Connection:
    """Stands for asyncpg's connection and keeps what is sent to the server."""
    def __init__(self):
        self.sent = []
    async def execute(self, statement):
        self.sent.append(statement)

connection = Connection()
path = pathlib.Path("20261201_01_pages.sql")
asyncio.run(Migration(path.stem, path, None).load().apply(connection))
for statement in connection.sent:
    print(repr(statement))
assert connection.sent == [
    "CREATE TABLE page (body text);",
    "INSERT INTO page VALUES ('---\ntitle: One\ntext\n  -- indented\n');",
    "INSERT INTO page VALUES ($$\n$$);",
]
PY
env/bin/python apply.py
echo "as described"
