#!/usr/bin/env bash
# pgserviceparser 3.0.3 (PyPI, reads and writes pg_service.conf; QGIS's plugin for it is made with this) deletes every comment of the file.
# Seen on 2026-12-01.
#
# Expected: write_service_setting("lesson", "port", "5433") writes that one line and leaves the rest alone.
# Seen:     all lines that begin with # are gone, those of other services, too, and the blank lines between are others. Nothing is said.
# So:       a service that was commented out to be kept, and the word who owns a password, are lost for psql and everyone else who uses the
#           file. Keep a copy before anything writes to it, or edit it by hand.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pgserviceparser==3.0.3
printf '%s\n' '# of the lessons' '[lesson]' 'host=localhost' 'port=5432' '' '# of the talk, kept for May:' '#[talk]' '#host=db.example' > pg_service.conf
env/bin/python - <<'PY'
import pgserviceparser as services
before = open("pg_service.conf").read()
services.write_service_setting("lesson", "port", "5433", "pg_service.conf")
after = open("pg_service.conf").read()
print(after)
assert before.count("#") == 4 and after == "[lesson]\nhost=localhost\nport=5433\n\n"
PY
echo "as described"
