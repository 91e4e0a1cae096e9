#!/usr/bin/env bash
# git-diff-parser 1.0.0 (npm) takes the head of a one-line hunk, and a change of mode, for lines of the file.
# Seen on 2026-12-01.
#
# Expected: `@@ -1 +1 @@` is the head of a hunk: the count is left out when it is 1, in Git's diffs as in all unified diffs. The lines are
#           the deleted and the added one, each with its number. A file whose mode alone changed, or that was only renamed, has no lines.
# Seen:     each of these has a line of type "normal" with the text "@ -1 +1 @@", "ld mode 100644" or "imilarity index 100%", number 0;
#           the lines behind it are numbered on from there. parse-diff 0.12.0 has them right.
# So:       in a file of one line (a .nvmrc, a version, a new file of one line), and after each small hunk, what is shown is not in the
#           file. Make the diff with `git diff -U1` or more and do not give it files of one line, or use another reader.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts git-diff-parser@1.0.0 parse-diff@0.12.0
git init --quiet repo; cd repo
git config user.name A; git config user.email a@example.org; git config commit.gpgsign false; git config core.fileMode true
echo "20" > .nvmrc; echo "echo" > run.sh; seq 30 > numbers; printf 'one\ntwo\n' > two.txt
git add -A; git commit --quiet -m one
echo "22" > .nvmrc; chmod +x run.sh; git mv numbers more; echo "only" > new.txt; printf 'one\nTWO\n' > two.txt
git add -A; git diff --cached -M > ../change.diff; cd ..
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const text = require('node:fs').readFileSync('change.diff', 'utf8').trimEnd();
const files = {}, other = {};
for (const file of require('git-diff-parser')(text).commits[0].files) files[file.name] = file.lines.map(({ type, text }) => `${type}: ${text}`);
for (const file of require('parse-diff')(text)) other[file.to] = file.chunks.flatMap((chunk) => chunk.changes.map(({ content }) => content));
console.log(files, other);
assert.deepEqual(files['two.txt'], ['normal: one', 'deleted: two', 'added: TWO']);
assert.deepEqual(files['.nvmrc'], ['normal: @ -1 +1 @@', 'deleted: 20', 'added: 22']);
assert.deepEqual(files['new.txt'], ['normal: @ -0,0 +1 @@', 'added: only']);
assert.deepEqual(files['run.sh'], ['normal: ld mode 100644', 'normal: ew mode 100755']);
assert.deepEqual(files.more, ['normal: imilarity index 100%', 'normal: ename from numbers', 'normal: ename to more']);
assert.deepEqual(other['.nvmrc'], ['-20', '+22']);
assert.deepEqual([other['run.sh'] ?? [], other.more ?? []], [[], []]);
JS
node read.cjs
echo "as described"
