#!/usr/bin/env bash
# parse-git-diff 0.0.20, gitdiff-parser 0.3.1 (npm) and whatthepatch 1.0.7 (PyPI) put a tab behind a name with a space in it.
#
# Expected: of a change to `lesson one/setup.sql` the path is `lesson one/setup.sql`. Git itself writes a tab behind a name with a space
#           in the lines `---` and `+++`, so that other tools see where it ends; it is no part of the name.
# Seen:     the path is "lesson one/setup.sql\t" for a changed and for a new file, in all three. In parse-git-diff a renamed file has
#           its names without the tab, since these come from other lines: two kinds of names in one answer.
# So:       the file is not found, no rule or owner matches it, and a printed list looks right. Take the tab off, or read the diff with
#           parse-diff 0.12.0 (npm) or unidiff 1.0.1 (PyPI), which do.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-git-diff@0.0.20 gitdiff-parser@0.3.1 parse-diff@0.12.0
git init --quiet repo; cd repo
git config user.name someone; git config user.email someone@example.invalid
mkdir 'lesson one'
echo 'select 1;' > 'lesson one/setup.sql'
echo 'select 1;' > plain.sql
seq 9 > 'lesson one/old.txt'
git add .; git commit --quiet -m first
echo 'select 2;' > 'lesson one/setup.sql'
echo 'select 2;' > plain.sql
echo 'select 3;' > 'lesson one/new.sql'
git mv 'lesson one/old.txt' 'lesson one/moved.txt'; echo 10 >> 'lesson one/moved.txt'
git add .
git diff --cached -M > ../change.diff
cd ..
cat change.diff
cat > try.cjs <<'JS'
const assert = require('assert');
const fs = require('fs');
const text = fs.readFileSync('change.diff', 'utf8');
const parseGitDiff = require('parse-git-diff').default;
const seen = {
  'parse-git-diff': parseGitDiff(text).files.map((file) => file.path ?? file.pathAfter),
  'gitdiff-parser': require('gitdiff-parser').parse(text).map((file) => file.newPath),
  'parse-diff': require('parse-diff')(text).map((file) => file.to),
};
for (const [name, paths] of Object.entries(seen)) {
  console.log(name);
  for (const path of paths) console.log('   ', JSON.stringify(path), fs.existsSync('repo/' + path) ? 'is there' : 'IS NOT THERE');
}
const names = ['lesson one/moved.txt', 'lesson one/new.sql', 'lesson one/setup.sql', 'plain.sql'];
assert.deepStrictEqual([...seen['parse-diff']].sort(), names);
assert.deepStrictEqual([...seen['parse-git-diff']].sort(),
  ['lesson one/moved.txt', 'lesson one/new.sql\t', 'lesson one/setup.sql\t', 'plain.sql']);
for (const name of ['lesson one/new.sql\t', 'lesson one/setup.sql\t']) assert(seen['gitdiff-parser'].includes(name));
JS
node try.cjs
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check whatthepatch==1.0.7 unidiff==1.0.1
env/bin/python - <<'PY'
import unidiff, whatthepatch
text = open("change.diff").read()
seen = {"whatthepatch": [part.header.new_path for part in whatthepatch.parse_patch(text)],
        "unidiff": [part.path for part in unidiff.PatchSet(text)]}
print(seen)
assert {"lesson one/new.sql\t", "lesson one/setup.sql\t", "plain.sql"} < set(seen["whatthepatch"])
assert set(seen["unidiff"]) == {"lesson one/moved.txt", "lesson one/new.sql", "lesson one/setup.sql", "plain.sql"}
PY
echo "as described"
