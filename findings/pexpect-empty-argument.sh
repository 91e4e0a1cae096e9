#!/usr/bin/env bash
# pexpect 4.9.0 (PyPI) leaves an empty argument at the end of a command line out, and a quote behind a backslash.
# Seen on 2026-11-30.
#
# Expected: spawn('git commit --allow-empty-message -m ""') and run() hand over what a shell would, as shlex.split() has it: -m and
#           an empty text.
# Seen:     the empty argument is gone when it is the last: the command ends with -m, and git asks for its value; further in front
#           it is there. In "a\"b" the backslash stays and the quote goes: a\b, not a"b. No error from pexpect.
# So:       hand the arguments over as a list: spawn('git', ['commit', '-m', '']), or shlex.split() the line first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pexpect==4.9.0
printf '#!/bin/sh\nfor one; do printf "<%%s>" "$one"; done\n' > show
chmod +x show
env/bin/python - <<'PY'
import shlex
import pexpect
for line, seen in [('./show -N "" -f key', "<-N><><-f><key>"), ('./show --allow-empty-message -m ""', "<--allow-empty-message><-m>"), ("./show -c ''", "<-c>"), ('./show "a\\"b"', "<a\\b>"), ("./show 'a b' c\\ d", "<a b><c d>")]:
    right = "".join(f"<{one}>" for one in shlex.split(line)[1:])
    output, status = pexpect.run(line, withexitstatus=True, encoding="utf-8")
    print(line, output, right)
    assert (output, status) == (seen, 0)
assert pexpect.run("./show", encoding="utf-8") == ""
command, *rest = shlex.split('./show -m ""')
child = pexpect.spawn(command, rest, encoding="utf-8")
assert child.read() == "<-m><>"
PY
echo "as described"
