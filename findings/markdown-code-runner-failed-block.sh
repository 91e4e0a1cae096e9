#!/usr/bin/env bash
# markdown-code-runner 2.7.0 (PyPI, writes the output of a page's code blocks into the page) empties the output of a shell block that failed.
# Seen on 2026-12-01.
#
# Expected: a block of bash that fails (no such command, exit code 3) stops the run, as an exception in a Python block does: the page stays
#           as it was, and the exit code is not 0; or at least what the command wrote to stderr is in the page.
# Seen:     exit code 0 and nothing on the terminal; the good output of the last time is replaced by an empty line. stderr is nowhere.
# So:       a job that renews the pages where a tool is missing takes its output out of all of them and is green. Run commands from a
#           Python block with subprocess.run(…, check=True), which stops the run, or let the job stop where `git diff` shows an output gone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check markdown-code-runner==2.7.0
page() { printf '```%s markdown-code-runner\n%s\n```\n<!-- OUTPUT:START -->\nversion 16.4\n<!-- OUTPUT:END -->\n' "$1" "$2" > "$3"; }
page bash 'echo version 17.1' good.md
page bash 'no-such-command --version' missing.md
page bash 'set -e; echo asked for the version >&2; exit 3' code.md
page python 'raise SystemError("no")' python.md
for name in good missing code python; do
  cp $name.md before-$name.md; code=0
  env/bin/markdown-code-runner $name.md > $name.log 2>&1 || code=$?
  echo "$name: exit code $code, $(grep -c . $name.log || true) lines on the terminal"; echo $code > $name.code
  sed -n '/OUTPUT:START/,$p' $name.md
done
test "$(cat good.code missing.code code.code | tr '\n' ' ')" = "0 0 0 "
grep -qx 'version 17.1' good.md
for name in missing code; do
  test ! -s $name.log
  if grep -q '16.4\|not found\|asked' <(sed -n '/OUTPUT:START/,$p' $name.md); then exit 1; fi
done
test "$(cat python.code)" != 0; cmp python.md before-python.md
echo "as described"
