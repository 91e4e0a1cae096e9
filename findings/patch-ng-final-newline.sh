#!/usr/bin/env bash
# patch-ng 1.19.1 (PyPI, applies unified diffs) ends a file with a newline that the diff says it does not have.
#
# Expected: `\ No newline at end of file` in a diff is part of the content, so apply() gives byte for byte the file that `git apply`
#           gives; and a new empty file of a Git diff is made, or apply() is False.
# Seen:     apply() is True, and whatever has its last line in the diff as a new one (a changed last line, a new file) ends with a
#           newline all the same; the new empty file (`__init__.py`, `.gitkeep`) is missing. No warning is logged.
# So:       checksums and snapshots do not fit, on files that look the same in a terminal, and a package or a folder is not there.
#           Where bytes count, use `git apply`, or compare with the hash in the diff's `index` line.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check patch-ng==1.19.1
git init --quiet repo; cd repo
git config user.name someone; git config user.email someone@example.invalid
printf 'course: 1' > changed.yaml
printf 'one\n' > plain.txt
git add .; git commit --quiet -m first
printf 'course: 2' > changed.yaml
printf 'two\n' > plain.txt
printf '{}' > new.json
: > empty.txt
git add .
git diff --cached > ../change.diff
git reset --quiet --hard
cp -r . ../with-git; cp -r . ../with-patch-ng
cd ..
cat change.diff
git -C with-git apply ../change.diff
cat > apply.py <<'PY'
import logging, patch_ng
logging.basicConfig(level=logging.WARNING)
print("apply():", patch_ng.fromfile("../change.diff").apply(strip=0))
PY
(cd with-patch-ng; ../env/bin/python ../apply.py 2>&1 | tee ../said)
for kind in with-git with-patch-ng; do
  echo "== $kind"
  for file in changed.yaml new.json plain.txt empty.txt; do
    if [ -e $kind/$file ]; then echo "$file: $(wc -c < $kind/$file) bytes"; else echo "$file: not there"; fi
  done
done
grep -q 'apply(): True' said
test "$(wc -c < with-git/changed.yaml)" = 9; test "$(wc -c < with-patch-ng/changed.yaml)" = 10
test "$(wc -c < with-git/new.json)" = 2; test "$(wc -c < with-patch-ng/new.json)" = 3
cmp with-git/plain.txt with-patch-ng/plain.txt
test -e with-git/empty.txt; test ! -e with-patch-ng/empty.txt
if grep -qi newline said; then exit 1; fi
echo "as described"
