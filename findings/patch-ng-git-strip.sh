#!/usr/bin/env bash
# patch-ng 1.19.1 (PyPI, applies unified diffs): apply(strip=1) of a Git diff changes a file of the same name one folder up.
# Seen on 2026-12-01.
#
# Expected: a diff of Git names its files a/… and b/…, so strip=1 means what `patch -p1` and `git apply` (-p1 is its default) mean: those
#           two prefixes are left away.
# Seen:     it has taken a/ and b/ away already when it read the diff, and strip=1 takes the first real folder too: for
#           lessons/setup.sql it changes ./setup.sql when there is one; new files for lessons/ and lessons/01/ are made in . and 01/.
#           apply() is True. paatch 1.20.3, a fork, makes new files in the same wrong places.
# So:       a call carried over from `patch -p1` edits the wrong file. For Git's diffs use strip=0, and look at the paths in
#           `[item.target for item in patch.items]` first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check --no-deps patch-ng==1.19.1 paatch==1.20.3
git init --quiet from; cd from
git config user.name A; git config user.email a@example.org; git config commit.gpgsign false
mkdir lessons
echo "old" > lessons/setup.sql; echo "old" > setup.sql
git add -A; git commit --quiet -m one
echo "new" > lessons/setup.sql; echo "select 2;" > lessons/two.sql; mkdir lessons/01; echo "select 3;" > lessons/01/three.sql
git add -A; git diff --cached > ../change.diff; git reset --quiet --hard
cd ..
try() { rm -rf to; mkdir to; git -C from archive HEAD | tar x -C to; "$@" > log 2>&1; (cd to; for file in $(find . -type f | sort); do printf '%s=%s ' "$file" "$(cat "$file")"; done; echo) | tee seen; }
with() { env/bin/python -c "
import $1
assert $1.fromfile('change.diff').apply(strip=$2, root='to') is True"; }
right='./lessons/01/three.sql=select 3; ./lessons/setup.sql=new ./lessons/two.sql=select 2; ./setup.sql=old '
try git apply --directory=to change.diff; test "$(cat seen)" = "$right"
try with patch_ng 0; test "$(cat seen)" = "$right"
try with patch_ng 1; test "$(cat seen)" = './01/three.sql=select 3; ./lessons/setup.sql=old ./setup.sql=new ./two.sql=select 2; '
try with paatch 1; grep -q './01/three.sql=select 3; .*./two.sql=select 2; ' seen
echo "as described"
