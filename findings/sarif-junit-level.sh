#!/usr/bin/env bash
# sarif-junit 1.1.4 (npm) makes a passed test of every SARIF result that has no level of its own, and a failed one of a suppressed result.
# Seen on 2026-12-01.
#
# Expected: a result without `level` has its rule's default level, or else is a warning (SARIF 2.1.0, 3.27.10), which is how CodeQL
#           and others write errors; a result with `suppressions` is accepted and does not fail.
# Seen:     `failures` counts only results with the word "error" at the result itself: a rule with defaultConfiguration error gives
#           a passed test case, and one with a suppression a failure.
# So:       a pipeline shows the whole report green, or red for what was waived; write the level into each result and take suppressed
#           ones out before the conversion. (The long options of its page, --input and --output, are refused: -i and -o are taken.)
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts sarif-junit@1.1.4
cat > make.mjs <<'JS'
import fs from 'node:fs';
const result = (text, more) => ({ ruleId: 'R1', message: { text }, locations: [{ physicalLocation: { artifactLocation: { uri: 'a.js' }, region: { startLine: 3 } } }], ...more });
fs.writeFileSync('in.sarif', JSON.stringify({ version: '2.1.0', runs: [{
  tool: { driver: { name: 'check', rules: [{ id: 'R1', defaultConfiguration: { level: 'error' } }] } },
  results: [result('by rule'), result('own level', { level: 'error' }), result('suppressed', { level: 'error', suppressions: [{ kind: 'inSource' }] })],
}] }));
JS
node make.mjs
npx --no-install sarif-junit -i in.sarif -o out.xml
cat out.xml; echo
cat > look.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
const xml = fs.readFileSync('out.xml', 'utf8');
const cases = Object.fromEntries(xml.split('<testcase').slice(1).map((part) => [part.match(/ name="(?:Ln 3 )?([^"]*)"/)[1], part.includes('<failure')]));
console.log(cases);
assert.deepEqual(cases, { 'by rule': false, 'own level': true, suppressed: true });
assert.match(xml, /<testsuites tests="3" failures="2"/);
JS
node look.mjs
echo "as described"
