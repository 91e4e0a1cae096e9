#!/usr/bin/env bash
# gitdiff-parser 0.3.1 (npm, for react-diff-view) calls a new empty file, a removed one and a copy "modify".
# Seen on 2026-11-30.
#
# Expected: `type` is add, delete, rename, copy or modify, as git's own headers say ("new file mode", "deleted file mode", "copy from").
# Seen:     for a file without lines (`__init__.py`, `.gitkeep`) it is "modify" with an old path, as if the file had been
#           there; with lines it is "add" and "delete". A copy is "modify". With `git diff --no-prefix` (git's setting diff.noprefix)
#           the first two characters of each name are cut off: new.txt is "w.txt".
# So:       look at `oldRevision` and `newRevision` too: all zeros is "none".
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts gitdiff-parser@0.3.1
mkdir r; cd r
git init -q
printf 'a\nb\nc\nd\n' > from.txt; : > old.empty
git add .
git -c user.name=n -c user.email=n@example.com commit -qm one
: > new.empty; echo line > new.txt; sed 's/d/e/' from.txt > copy.txt; rm old.empty
git add -A
git -c diff.noprefix=false diff --cached --no-renames -- "*.empty" new.txt > ../with.diff
git -c diff.noprefix=false diff --cached --find-copies-harder -- from.txt copy.txt >> ../with.diff
git diff --cached --no-prefix -- new.txt > ../none.diff
cd ..
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { parse } = require('gitdiff-parser').default ?? require('gitdiff-parser');
const files = Object.fromEntries(parse(fs.readFileSync('with.diff', 'utf8')).map((file) => [file.newPath === '/dev/null' ? file.oldPath : file.newPath, [file.type, file.oldPath]]));
console.log(files);
assert.deepEqual(files['new.txt'], ['add', '/dev/null']);
assert.deepEqual(files['new.empty'], ['modify', 'new.empty']);
assert.deepEqual(files['old.empty'], ['modify', 'old.empty']);
assert.deepEqual(files['copy.txt'], ['modify', 'from.txt']);
const [bare] = parse(fs.readFileSync('none.diff', 'utf8'));
console.log(bare.oldPath, JSON.stringify(bare.newPath));
assert.equal(bare.newPath, 'w.txt');
JS
node read.cjs
echo "as described"
