#!/usr/bin/env bash
# yamljs 0.3.0 (npm) leaves the lines that begin with # out of a text block, where the block stands in a list or deep enough.
# Seen on 2026-12-01.
#
# Expected: in a literal block (`run: |`) a # is text at every depth, as js-yaml 3.14.1 has it: a script's comments and `#!` line, and
#           Markdown's headings.
# Seen:     at the top and one level below it is. From the third level on each such line is gone, and in a list (`- run: |`) each but
#           the block's first: a heading is missing from a lesson's text, "#!/bin/sh" from a script, `#include` from C. No error.
# So:       keep such texts at the first two levels or in files of their own, or read the file with js-yaml or yaml.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts yamljs@0.3.0 js-yaml@3.14.1
cat > block.cjs <<'JS'
const assert = require('node:assert/strict');
const YAML = require('yamljs');
const other = require('js-yaml');
const text = '#!/bin/sh\n# one\necho two\n';
const block = (depth) => text.replace(/^(?=.)/gm, ' '.repeat(depth));
for (const [source, pick, seen] of [
  ['run: |\n' + block(2), (o) => o.run, text],
  ['job:\n  run: |\n' + block(4), (o) => o.job.run, text],
  ['jobs:\n  job:\n    run: |\n' + block(6), (o) => o.jobs.job.run, 'echo two\n'],
  ['steps:\n  - run: |\n' + block(6), (o) => o.steps[0].run, '#!/bin/sh\necho two\n'],
  ['steps:\n  - name: a\n    run: |\n' + block(6), (o) => o.steps[0].run, 'echo two\n'],
  ['- text: |\n    Hello\n\n    # Title\n\n    More\n', (o) => o[0].text, 'Hello\n\n\nMore\n'],
]) {
  const found = pick(YAML.parse(source)), right = pick(other.safeLoad(source));
  console.log(JSON.stringify(found), found === right ? '' : 'not ' + JSON.stringify(right));
  assert.equal(found, seen);
  assert.ok(right.includes('# '));
}
JS
node block.cjs
echo "as described"
