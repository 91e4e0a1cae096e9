#!/usr/bin/env bash
# byexample 11.0.0 (PyPI, runs the examples of a page as tests) passes over blocks that are fenced with tildes or with four backticks.
# Seen on 2026-12-01.
#
# Expected: a fenced block of shell is run however Markdown lets it be fenced, and a command that fails where no output is expected fails its example.
# Seen:     of three wrong examples one is found, that with three backticks; for a page with the other two alone it says nothing
#           and exits with 0. `false` with nothing beneath it passes.
# So:       a page whose blocks hold backticks themselves, and so are fenced with more, is green and untested. Fence with three, and print
#           the exit code where it counts: `$ command; echo $?`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check byexample==11.0.0
bad() { printf '%sshell\n$ echo one\ntwo\n%s\n\n' "$1" "$1"; }
bad '```' > three.md; { bad '~~~'; bad '````'; } > other.md; printf '```shell\n$ false\n$ echo one\none\n```\n' > false.md
for page in three other false; do
  code=0; timeout 100 env/bin/byexample -l shell --pretty none --no-progress-bar $page.md > $page.log 2>&1 || code=$?
  echo "$page: $code"; tail -2 $page.log; echo $code > $page.code
done
[ "$(cat three.code) $(cat other.code) $(cat false.code)" = "1 0 0" ]
grep -q 'Pass: 2 Fail: 0' false.log
if grep -q 'Pass: [1-9]\|Fail: [1-9]' other.log; then exit 1; fi
echo "as described"
