#!/usr/bin/env bash
# unidiff 1.0.4 (npm, unified diffs of two texts) leaves "\ No newline at end of file" out.
# Seen on 2026-12-01.
#
# Expected: as diff -u and Git write it, and diff 8.0.2 (npm), which this stands on: the mark follows a last line that has no newline.
# Seen:     there is none. A text that only loses its newline is "-b" and "+b", two lines that look the same; the diff's own last line has no newline either.
#           GNU patch, given it with a newline behind, writes the file with one, and says that all went well.
# So:       a patch that takes away or adds the last newline does nothing. Use createTwoFilesPatch() of diff.
set -euo pipefail
command -v patch >/dev/null || { echo "needs patch" >&2; exit 1; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts unidiff@1.0.4 diff@8.0.2
cat > make.cjs <<'JS'
const assert = require('node:assert/strict'), fs = require('node:fs');
const { diffAsText } = require('unidiff'), { createTwoFilesPatch } = require('diff');
const seen = diffAsText('a\nb\n', 'a\nb'), other = createTwoFilesPatch('a', 'b', 'a\nb\n', 'a\nb');
console.log(seen, '\n', other);
assert.equal(seen, '--- a\n+++ b\n@@ -2 +2 @@\n-b\n+b');
assert.match(other, /\\ No newline at end of file/);
fs.writeFileSync('it.patch', seen + '\n');
fs.writeFileSync('file', 'a\nb\n');
JS
node make.cjs
patch file it.patch
[ "$(od -An -c file | tr -d ' ')" = 'a\nb\n' ]
echo "as described"
