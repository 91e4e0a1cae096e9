#!/usr/bin/env bash
# txm 8.2.0 (npm, runs the code blocks of a Markdown file as tests) ends a failure's explanation so that no TAP reader sees it.
# Seen on 2026-12-01.
#
# Expected: in the format that it writes, "TAP version 13", the block under a failed test begins with `---` and ends with `...`; a reader
#           hands on what is in it: expected and actual output, and the lines of the file.
# Seen:     the block ends with a second `---`. tap-parser 18.3.2 (node-tap's) then has a failure without a diagnosis, and the text as lines
#           that are no TAP; with the last line of each made `...` it has all of it.
# So:       a report in CI says "output mismatch" and neither what nor where. Put
#           `awk '/^  ---$/ { if (open) sub("---", "..."); open = !open } 1'` between txm and the reader.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts txm@8.2.0 tap-parser@18.3.2
cat > lesson.md <<'MD'
<!-- !test program sh -->

<!-- !test in greeting -->

```
echo hello
```

<!-- !test out greeting -->

```
goodbye
```
MD
node_modules/.bin/txm lesson.md > plain.tap && exit 1
awk '/^  ---$/ { if (open) sub("---", "..."); open = !open } 1' plain.tap > ended.tap
cat plain.tap
cat > read.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { Parser } from 'tap-parser';
const read = (file) => new Promise((done) => {
  const tests = [], extra = [];
  const parser = new Parser((result) => done({ tests, extra: extra.join(''), failed: result.fail }));
  parser.on('assert', (test) => tests.push(test)).on('extra', (line) => extra.push(line));
  parser.end(fs.readFileSync(file, 'utf8'));
});
const plain = await read('plain.tap'), ended = await read('ended.tap');
console.log(plain.tests[0].diag, ended.tests[0].diag);
assert.equal(plain.failed, 1);
assert.equal(plain.tests[0].diag ?? null, null);
assert.match(plain.extra, /goodbye/);
assert.equal(ended.tests[0].diag['expected stdout'].trim().replace('␊', ''), 'goodbye');
JS
node read.mjs
echo "as described"
