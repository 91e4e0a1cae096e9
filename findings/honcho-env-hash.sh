#!/usr/bin/env bash
# honcho 2.0.0 (PyPI) and foreman 3.0.1 (npm), which start what a Procfile names, cut a value of .env at a # inside a word.
# Seen on 2026-12-01.
#
# Expected: `PASSWORD=s3cr#t` is "s3cr#t", as in a shell and in python-dotenv 1.2.1, where a comment begins at the start of a word;
#           `export NAME=x`, which a shell can read too, sets NAME.
# Seen:     the process gets "s3cr" from both, as it gets the first part of a URL that has a #fragment, and NAME is not set at all. Nothing is
#           said about either. With quotes around the value it arrives whole.
# So:       the server refuses a password that works in every other tool that reads the file; quote each value that has a #.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts foreman@3.0.1
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check honcho==2.0.0 python-dotenv==1.2.1
cat > .env <<'ENV'
PASSWORD=s3cr#t
QUOTED="s3cr#t"
PAGE=http://localhost:8000/#/lesson
export NAME=x
ENV
cat > show.sh <<'SH2'
echo "<$PASSWORD|$QUOTED|$PAGE|${NAME-unset}>"
SH2
echo 'web: sh show.sh' > Procfile
shell=$(set -a; . ./.env; sh show.sh)
echo "shell   $shell"
test "$shell" = '<s3cr#t|s3cr#t|http://localhost:8000/#/lesson|x>'
env/bin/python - <<'PY'
from dotenv import dotenv_values
assert dotenv_values(".env")["PASSWORD"] == "s3cr#t"
PY
for runner in "env/bin/honcho start" "node_modules/.bin/nf start"; do
  seen=$(env -u NAME $runner 2>&1 | grep -o '<.*>')
  echo "$runner $seen"
  test "$seen" = '<s3cr|s3cr#t|http://localhost:8000/|unset>'
done
echo "as described"
