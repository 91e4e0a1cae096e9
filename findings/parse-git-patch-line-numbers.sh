#!/usr/bin/env bash
# parse-git-patch 2.1.1 (npm) numbers lines wrong behind "\ No newline at end of file", and cuts long subjects.
# Seen on 2026-12-01.
#
# Expected: lineNumber is the line's number in the file, and `\ No newline at end of file` is a remark of the diff, no line: when the last
#           line of three is changed, the new one is line 3. The message is the commit's whole subject; `git format-patch` folds one that is
#           longer than 78 columns onto a second line, as mail does.
# Seen:     the new line has the number 4, in a file of three lines. Of the subject the second line is missing. No error.
# So:       a comment put at that place is off by one or refused, and a commit made from the message has half a subject. End files with a
#           newline, or count the lines yourself; take the subject from `git log`. parse-diff 0.12.0 counts right.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts parse-git-patch@2.1.1 parse-diff@0.12.0
git init --quiet repo; cd repo
git config user.name A; git config user.email a@example.org; git config commit.gpgsign false
printf 'one\ntwo\nthree' > last.txt; printf 'one\ntwo\nthree\n' > plain.txt
git add -A; git commit --quiet -m one
printf 'one\ntwo\nTHREE' > last.txt; printf 'one\ntwo\nTHREE\n' > plain.txt
git commit --quiet -a -m "Write the last line of both files in capital letters, since it is the one that the lesson is about"
git format-patch --stdout -1 > ../change.patch; cd ..
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const text = require('node:fs').readFileSync('change.patch', 'utf8');
const module_ = require('parse-git-patch'), parse = module_.default ?? module_;
const { message, files } = parse(text);
console.log(message, JSON.stringify(files));
const added = (name) => files.find((file) => file.afterName === name).modifiedLines.find((line) => line.added);
assert.deepEqual(added('plain.txt'), { added: true, lineNumber: 3, line: 'THREE' });
assert.deepEqual(added('last.txt'), { added: true, lineNumber: 4, line: 'THREE' });
assert.match(message, /^\[PATCH\] Write the last line/);
assert.doesNotMatch(message, /lesson is about/);
const other = require('parse-diff')(text).find((file) => file.to === 'last.txt').chunks[0].changes.find((change) => change.content === '+THREE');
assert.equal(other.ln, 3);
JS
node read.cjs
echo "as described"
