#!/usr/bin/env bash
# gitignore-to-glob 0.3.0 (npm, .gitignore as patterns for glob) and dotignore 0.1.2 (npm; tape reads its --ignore file with it) match other files.
# Seen on 2026-12-01.
#
# Expected: as Git has it: a pattern with a slash inside, `docs/*.txt`, is meant from the file's folder on; `build/` is the folder with all in it;
#           `**/deep` is also a `deep` at the top, and `a/**/b` also a/b.
# Seen:     gitignore-to-glob puts `**/` before every pattern with no slash at its front: `docs/*.txt` ignores sub/docs/a.txt, too.
#           dotignore has that right, and does not ignore build/x, deep or a/b.
# So:       files are linted or published that should not be, and the other way round. Use ignore 7, which agrees with Git in all of these.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts gitignore-to-glob@0.3.0 dotignore@0.1.2 ignore@7.0.5 minimatch@3.1.2
cat > match.cjs <<'JS'
const assert = require('node:assert/strict'), fs = require('node:fs');
const toGlob = require('gitignore-to-glob'), dotignore = require('dotignore'), ignore = require('ignore'), minimatch = require('minimatch');
fs.writeFileSync('.gitignore', 'docs/*.txt\nbuild/\n**/deep\na/**/b\n');
const globs = toGlob('.gitignore');
const globbed = (file) => globs.some((glob) => glob.startsWith('!') && minimatch(file, glob.slice(1), { dot: true }));
const matcher = dotignore.createMatcher(fs.readFileSync('.gitignore', 'utf8'));
const git = ignore().add(fs.readFileSync('.gitignore', 'utf8'));
const files = ['docs/a.txt', 'sub/docs/a.txt', 'build/x', 'deep', 'a/b', 'a/x/b'];
const table = files.map((file) => [file, git.ignores(file), globbed(file), matcher.shouldIgnore(file)]);
console.log(globs);
console.table(table);
assert.deepEqual(table.map(([, right]) => right), [true, false, true, true, true, true]);
assert.ok(globs.includes('!**/docs/*.txt'));
assert.deepEqual(table.map(([,, seen]) => seen), [true, true, true, true, true, true]);
assert.deepEqual(table.map(([,,, seen]) => seen), [true, false, false, false, false, true]);
JS
node match.cjs
echo "as described"
