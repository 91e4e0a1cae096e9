#!/usr/bin/env bash
# pg8000 1.31.6 (PyPI): literal() writes a dict in Python's spelling and bytes as a bit string.
# Seen on 2026-11-30.
#
# Expected: literal(), for statements that take no parameters, writes what a parameter with the same value would be: a dict as JSON
#           (as json_out does), bytes as a bytea (as bytes_out does).
# Seen:     literal({"open": True}) is '{''open'': True}', which is no JSON, and where the column is text it is stored like that.
#           literal(b"\x01\x02") is X'0102', for PostgreSQL a bit string of 16 bits, which no bytea column takes; and a NaN is the bare word nan,
#           a column's name.
# So:       hand json.dumps(value) and "\\x" + value.hex() to literal(), strings that come out right.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pg8000==1.31.6
env/bin/python - <<'PY'
from pg8000.converters import PY_TYPES
from pg8000.native import literal
for value, seen, parameter in [({"open": True}, "'{''open'': True}'", '{"open": true}'), (b"\x01\x02", "X'0102'", "\\x0102"), (float("nan"), "nan", None)]:
    print(value, literal(value), parameter)
    assert literal(value) == seen
    if parameter: assert PY_TYPES[type(value)](value) == parameter
PY
echo "as described"
