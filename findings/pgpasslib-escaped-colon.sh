#!/usr/bin/env bash
# pgpasslib 1.1.0 (PyPI, passwords from .pgpass) gives none for any host when one line has an escaped colon.
# Seen on 2026-12-01.
#
# Expected: in .pgpass a colon or a backslash inside a field is written `\:` and `\\`; pa\:ss is the password pa:ss, and other lines are
#           not concerned. psql reads it so, as does pgpass 1.0.6 (npm, for node-postgres).
# Seen:     fields are split at the last four colons, escaped ones too: the port is then "db", and InvalidEntry is raised, also for a host
#           that another line names. `\\` is not undone: back\\slash comes out with both.
# So:       one entry with such a password (generated ones, IPv6 addresses) shuts off all of the file. Read it through libpq instead: leave the
#           password out of the connection string of psycopg and asyncpg, which look it up themselves.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pgpasslib==1.1.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pgpass@1.0.6
printf '%s\n' 'other.example:5432:shop:app:plain' 'db.example:5432:shop:app:pa\:ss' > colon
printf '%s\n' 'db.example:5432:shop:app:back\\slash' > backslash
chmod 600 colon backslash
cat > read.py <<'PY'
import os, pgpasslib
def password(file, host):
    os.environ["PGPASSFILE"] = os.path.abspath(file)
    try:
        return pgpasslib.getpass(host, 5432, "shop", "app")
    except pgpasslib.InvalidEntry as problem:
        return f"InvalidEntry: {problem}"
seen = [password("colon", "db.example"), password("colon", "other.example"), password("backslash", "db.example")]
print(seen)
assert seen == ["InvalidEntry: Error validating port value \"shop\""] * 2 + ["back\\\\slash"], seen
PY
env/bin/python -W ignore read.py
cat > read.cjs <<'JS'
const assert = require('node:assert/strict'), path = require('node:path'), pgpass = require('pgpass');
const password = (file, host) => new Promise((done) => { process.env.PGPASSFILE = path.resolve(file); pgpass({ host, port: 5432, database: 'shop', user: 'app' }, done); });
(async () => {
  const seen = [await password('colon', 'db.example'), await password('colon', 'other.example'), await password('backslash', 'db.example')];
  console.log(seen);
  assert.deepEqual(seen, ['pa:ss', 'plain', 'back\\slash']);
})();
JS
node read.cjs
echo "as described"
