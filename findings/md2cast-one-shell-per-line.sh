#!/usr/bin/env bash
# md2cast 0.4.0 (PyPI, Markdown to an asciicast) runs each line of a code block in a shell of its own.
# Seen on 2026-12-01.
#
# Expected: with --execute a block is one session, as the recording shows it, one prompt after the other: `cd` and variables hold, a loop
#           or a here-document over several lines is one command, and a ```bash block is bash's.
# Seen:     after `cd lesson` the next line's `pwd` is the folder before, a variable is empty, `$?` is 0, and `for … do` is a "Syntax
#           error" of /bin/sh in the middle of the recording, which goes on with the loop's inner line. Exit code 0, "[OK]".
# So:       a lesson's recording shows answers that no reader gets. Put what belongs together on one line with `&&` and `;`, or record
#           with a tool that types into one shell.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check md2cast==0.4.0
mkdir lesson
cat > lesson.md <<'MD'
# Lesson

## First

```bash
cd lesson
basename "$PWD"
NAME=Ada
echo "hello <$NAME>"
false
echo "status $?"
for n in 1 2; do
  echo "round <$n>"
done
```
MD
env/bin/md2cast lesson.md --execute -o lesson.cast
basename "$PWD" > outside
python3 - <<'PY'
import json, re
text = "".join(json.loads(line)[2] for line in open("lesson.cast").read().splitlines()[1:])
lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).split("\r")[-1].strip() for line in text.split("\r\n")]
shown = [line for line in lines if line and not line.startswith(("$", "│", "║", "┌", "└", "╔", "╚")) and "\x1b" not in line]
print(shown)
assert open("outside").read().strip() in shown and "lesson" not in shown
assert "hello <>" in shown and "status 0" in shown and "round <>" in shown and "round <1>" not in shown
assert any("yntax error" in line for line in shown)
PY
echo "as described"
