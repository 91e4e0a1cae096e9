#!/usr/bin/env bash
# atikin-env 1.0.0 and antares-dotenv 1.1.0 (PyPI, .env files with automatic types) take the zeros off codes.
# Seen on 2026-12-01.
#
# Expected: 1, 2.5 and true get a type; what is written with leading zeros or in quotes is a text: "01234" is a postal code.
# Seen:     01234 is 1234 and "007", in quotes, is 7; +4930 is the number 4930.0, and 1.10, a version, is 1.1. atikin-env writes this back to the environment,
#           where 0 is "False", reads "export E=1" as a name with a blank in it, and cuts the last quote off "say \"hi\"".
# So:       account ids, codes and versions arrive changed, with quotes or without. Read such settings with python-dotenv.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check atikin-env==1.0.0 antares-dotenv==1.1.0
cat > .env <<'ENV'
ACCOUNT=012345678901
AGENT="007"
PHONE=+4930
RELEASE=1.10
COUNT=0
SAY="say \"hi\""
export EXPORTED=1
ENV
cat > look.py <<'PY'
import os
from antares_dotenv import env
names = ('ACCOUNT', 'AGENT', 'PHONE', 'RELEASE')
antares = [env(name) for name in names]
for name in names + ('COUNT', 'SAY', 'EXPORTED'):
    os.environ.pop(name, None)
from atikin_env import load_env
atikin = load_env('.env')
print(antares, atikin, os.environ.get('COUNT'))
assert antares == [12345678901, 7, 4930.0, 1.1]
assert [atikin[name] for name in names] == [12345678901, 7, 4930.0, 1.1]
assert os.environ['ACCOUNT'] == '12345678901' and os.environ['COUNT'] == 'False'
assert 'export EXPORTED' in atikin and 'EXPORTED' not in atikin
assert atikin['SAY'] == 'say \\"hi\\'
PY
env/bin/python look.py
echo "as described"
