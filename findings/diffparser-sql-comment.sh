#!/usr/bin/env bash
# diffparser 2.0.1 (npm, reads unified diffs) makes a file of a deleted SQL comment.
#
# Expected: a hunk's header says how many lines belong to it, so `--- old note`, which is the deletion of `-- old note`, is one
#           deleted line of the file, as parse-diff 0.12.0 has it.
# Seen:     the line is taken for the head of the next file: a second file "old note" turns up with no chunks, the deletion is
#           missing in the first, and the numbers of the lines after it are one too small. No error.
# So:       a review bot or a check of migrations puts its remarks on wrong lines and is blind to what was a comment (SQL, Lua,
#           Haskell: `--`; `++i` in others). Use a parser that counts the hunk's lines.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund diffparser@2.0.1 parse-diff@0.12.0 >/dev/null
cat > change.diff <<'DIFF'
diff --git a/m.sql b/m.sql
index 1111111..2222222 100644
--- a/m.sql
+++ b/m.sql
@@ -1,4 +1,3 @@
 SELECT 1;
--- old note
 SELECT 2;
-SELECT 3;
+SELECT 33;
DIFF
cat > try.js <<'JS'
const assert = require('assert');
const text = require('fs').readFileSync('change.diff', 'utf8');
const brief = files => files.map(f => [f.to, f.chunks.map(c => c.changes.map(l => l.content))]);
const lib = require('diffparser');
const seen = (lib.default ?? lib)(text), control = require('parse-diff')(text);
console.log('diffparser', JSON.stringify(brief(seen)));
console.log('parse-diff', JSON.stringify(brief(control)));
assert.deepStrictEqual(brief(control), [['m.sql', [[' SELECT 1;', '--- old note', ' SELECT 2;', '-SELECT 3;', '+SELECT 33;']]]]);
assert.strictEqual(seen.length, 2);
assert.strictEqual(seen[1].from, 'old note');
assert.deepStrictEqual(seen[1].chunks, []);
const lines = seen[0].chunks[0].changes;
assert.deepStrictEqual(lines.map(l => l.content), [' SELECT 1;', ' SELECT 2;', '-SELECT 3;', '+SELECT 33;']);
assert.strictEqual(lines[2].oldLine, 3);   // it is line 4
assert.strictEqual(control[0].chunks[0].changes[3].ln, 4);
JS
node try.js
echo "as described"
