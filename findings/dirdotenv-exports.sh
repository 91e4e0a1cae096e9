#!/usr/bin/env bash
# dirdotenv 0.0.3 (PyPI, puts a folder's .env into the shell) leaves lines with "export" out and reads values in another way than python-dotenv.
# Seen on 2026-12-01.
#
# Expected: the same values as python-dotenv 1.2.1 has for the file: `export D=1` is D, "x # note" is x with a comment, and "say \"hi\"" has plain quotes.
# Seen:     D is not there, without a word. The comment is a part of the value, and backslashes stay before quotes and n. Dollars, single quotes
#           and blanks are right.
# So:       a program that is right with its own loader gets other settings in that shell, or the ones of an earlier folder. Leave "export" and comments out.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check dirdotenv==0.0.3 python-dotenv==1.2.1
mkdir folder
cat > folder/.env <<'ENV'
A="a b"
B='pa$word'
export D=1
G=x # note
H="say \"hi\""
K="l1\nl2"
ENV
cat > look.py <<'PY'
import subprocess
from dotenv import dotenv_values
line = 'unset A B D G H K; eval "$(env/bin/dirdotenv --export --shell bash folder)"; for name in A B D G H K; do printf "%s\\0" "${!name}"; done'
seen = subprocess.run(['bash', '-c', line], capture_output=True, text=True, check=True).stdout.split('\0')[:-1]
peer = list(dotenv_values('folder/.env').values())
print(seen, peer)
assert peer == ['a b', 'pa$word', '1', 'x', 'say "hi"', 'l1\nl2']
assert seen == ['a b', 'pa$word', '', 'x # note', 'say \\"hi\\"', 'l1\\nl2']
PY
env/bin/python look.py
echo "as described"
