#!/usr/bin/env bash
# codeowners 5.1.1 (npm), codeowners-utils 1.0.2 (npm) and codeowners 0.9.0 (PyPI), which read GitHub's CODEOWNERS, name owners that are none.
# Seen on 2026-12-01.
#
# Expected: GitHub's own example has a comment behind the owners (`*.js @js-owner #This is an inline comment.`), and its `docs/*` owns docs/a.md and
#           not docs/build/a.md.
# Seen:     behind `docs/* @docs # was @old` the npm package lists "#", "was" and "@old" as owners, the Python one @old. For docs/build/a.md
#           both npm packages name @docs, where the rule before it, `* @all`, counts.
# So:       reviews are asked of somebody who has left, and a check "every file has an owner of ours" is wrong for nested folders. Put comments
#           on lines of their own, and write docs/** where all beneath is meant.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts codeowners@5.1.1 codeowners-utils@1.0.2
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check codeowners==0.9.0
mkdir .github
printf '%s\n' '* @all' 'docs/* @docs # was @old' > .github/CODEOWNERS
cat > read.cjs <<'JS'
const assert = require('node:assert/strict'), fs = require('node:fs');
const first = require('codeowners'), { parse, matchFile } = require('codeowners-utils');
const owners = new (first.default ?? first)(process.cwd()), entries = parse(fs.readFileSync('.github/CODEOWNERS', 'utf8'));
const seen = ['docs/a.md', 'docs/build/a.md', 'main.js'].map((file) => [file, owners.getOwner(file), matchFile(file, entries).owners]);
console.log(seen);
const wrong = ['@docs', '#', 'was', '@old'];
assert.deepEqual(seen.map(([, one, two]) => [one, two]), [[wrong, ['@docs']], [wrong, ['@docs']], [['@all'], ['@all']]]);
JS
node read.cjs
env/bin/python - <<'PY'
from codeowners import CodeOwners
rules = CodeOwners(open(".github/CODEOWNERS").read())
seen = [[name for _, name in rules.of(file)] for file in ("docs/a.md", "docs/build/a.md")]
print(seen)
assert seen == [["@docs", "@old"], ["@all"]]
PY
echo "as described"
