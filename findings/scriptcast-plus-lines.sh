#!/usr/bin/env bash
# scriptcast 0.3.0 (PyPI, a shell script to an asciicast) makes a typed command of every line of output that begins with "+ ".
# Seen on 2026-12-01.
#
# Expected: what a command prints is output in the recording, whatever it is: the added lines of a diff, a list with plus signs.
# Seen:     the recording is made from the shell's own trace, whose lines begin with "+ " as well: `printf '+ new\n'` is shown as if
#           somebody had typed `new` at the prompt. The other way round, after output that does not end its line (`printf 'Name: '`)
#           the next command, with its "+ ", is output and no prompt stands before it.
# So:       in a recording of `diff -u` or `git diff` on indented text the additions are commands; choose another sign with
#           --trace-prefix, and end the output of each command with a newline.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check scriptcast==0.3.0
cat > demo.sh <<'DEMO'
printf '%s\n' '- old' '+ new'
printf 'Name: '
echo done
DEMO
env/bin/scriptcast --no-export --output-dir out demo.sh
cat out/demo.sc
python3 - <<'PY'
import json
events = [json.loads(line)[1:] for line in open("out/demo.sc").read().splitlines()[1:]]
assert ["out", "- old\r\n"] in events
assert ["cmd", "new"] in events and ["out", "+ new\r\n"] not in events
assert ["out", "Name: + echo done\r\n"] in events and ["cmd", "echo done"] not in events
PY
echo "as described"
