#!/usr/bin/env bash
# durationpy 0.11 (PyPI, Go's durations for Python; the Kubernetes client needs it) writes microseconds wrong when there are seconds too.
# Seen on 2026-12-01.
#
# Expected: from_str(to_str(delta)) is `delta`; a timedelta counts in microseconds and Go's text can hold them.
# Seen:     1.000005 s is written as "1.00001s", 30.000007 s as "30s", and 1 min and 20 µs as "1m2e-05s", which neither from_str() nor Go
#           reads: six digits of the seconds are kept, as a float prints. Milliseconds are right, and microseconds alone ("5us").
# So:       measured times written so are not the ones measured, and one in a full minute cannot be read back. Write
#           f"{delta // timedelta(microseconds=1)}us" instead, which both read.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check durationpy==0.11
cat > durations.py <<'PY'
from datetime import timedelta
import durationpy
expected = [
    (timedelta(seconds=1, microseconds=5), "1.00001s", timedelta(seconds=1, microseconds=10)),
    (timedelta(seconds=30, microseconds=7), "30s", timedelta(seconds=30)),
    (timedelta(minutes=1, microseconds=20), "1m2e-05s", "DurationError"),
    (timedelta(seconds=1, milliseconds=5), "1.005s", timedelta(seconds=1, milliseconds=5)),
    (timedelta(microseconds=5), "5us", timedelta(microseconds=5)),
]
for delta, text, back in expected:
    written = durationpy.to_str(delta)
    try:
        read = durationpy.from_str(written)
    except Exception as error:
        read = type(error).__name__
    print(delta, "->", written, "->", read)
    assert written == text and read == back
delta = timedelta(minutes=1, microseconds=20)
assert durationpy.from_str(f"{delta // timedelta(microseconds=1)}us") == delta
PY
env/bin/python durations.py
echo "as described"
