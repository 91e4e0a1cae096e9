#!/usr/bin/env bash
# merge3 1.0.0 (PyPI, three-way merges of texts) writes its conflict marks behind the last line when that has no newline.
# Seen on 2026-12-01.
#
# Expected: `=======` and `>>>>>>>` stand at the beginning of a line, whatever the texts are, as `diff3 -m` and `git merge-file` write them:
#           that is how editors, git and checks find a conflict.
# Seen:     with "one\ntwo" as base, changed on both sides at its last line, the result is `X=======` and `Y>>>>>>> B`. Only `<<<<<<<` is a
#           line of its own. With a newline at the end all three are; so does the package's own command line.
# So:       a file with such a conflict passes a check for `^=======$`, and no editor offers the sides. Add a newline to all three
#           texts before merging and take it away afterwards.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check merge3==1.0.0
cat > merge.py <<'PY'
import subprocess
from merge3 import Merge3
def merged(base, a, b):
    return "".join(Merge3(base.splitlines(True), a.splitlines(True), b.splitlines(True)).merge_lines(name_a="A", name_b="B"))
def git(base, a, b):
    for name, text in (("base", base), ("A", a), ("B", b)):
        open(name, "w").write(text)
    return subprocess.run(["git", "merge-file", "-p", "A", "base", "B"], capture_output=True, text=True).stdout
texts = ("one\ntwo", "one\nX", "one\nY")
found, other = merged(*texts), git(*texts)
print(repr(found), repr(other))
assert found == "one\n<<<<<<< A\nX=======\nY>>>>>>> B\n"
assert other == "one\n<<<<<<< A\nX\n=======\nY\n>>>>>>> B\n"
assert merged(*(text + "\n" for text in texts)) == other
PY
env/bin/python merge.py
printf 'one\ntwo' > base; printf 'one\nX' > a; printf 'one\nY' > b
env/bin/python -m merge3 a base b > out || true
cat out
grep -q '^X=======$' out
echo "as described"
