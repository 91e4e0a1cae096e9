#!/usr/bin/env bash
# junit-to-ctrf 0.0.14 and test-results-parser 0.4.6 (npm) lose why a test failed when <failure> has no attributes, as jest-junit writes it.
# Seen on 2026-12-01.
#
# Expected: `<failure>Error: expect(received)…</failure>`, all that jest-junit 17 says of a failed test, arrives as message or trace.
# Seen:     the test is failed, with neither message nor trace; with any attribute (`type="…"`) the same text arrives. The same for
#           <error>. junit2json 4.0.0 keeps the text of both.
# So:       a pull request's comment or a chat message made of it lists names only. Give the element an attribute before converting
#           (`sed 's/<failure>/<failure type="failure">/'`), or use jest's own CTRF reporter.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts junit-to-ctrf@0.0.14 test-results-parser@0.4.6 junit2json@4.0.0 jest-junit@17.0.0
cat > report.cjs <<'JS'
// jest-junit itself writes the file, of one failed test as jest hands it over
const Reporter = require('jest-junit');
new Reporter({ rootDir: process.cwd() }, { outputFile: 'junit.xml' }).onRunComplete([], {
  numFailedTests: 1, numTotalTests: 1, numPassedTests: 0, startTime: 0, testResults: [{
    testFilePath: process.cwd() + '/sum.test.js', numFailingTests: 1, numPassingTests: 0, numPendingTests: 0, console: null, failureMessage: 'x',
    perfStats: { start: 0, end: 10 }, testResults: [{ ancestorTitles: [], title: 'adds', fullName: 'adds', status: 'failed', duration: 3, failureMessages: ['Error: expected 3, received 4'], failureDetails: [] }],
  }],
});
JS
node report.cjs
cat junit.xml; echo
sed 's/<failure>/<failure type="failure">/' junit.xml > typed.xml
cmp -s junit.xml typed.xml && exit 1
cat > look.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { convertJUnitToCTRFReport } from 'junit-to-ctrf';
import parser from 'test-results-parser';
import { parse } from 'junit2json';
const look = async (file) => {
  const [ctrf] = (await convertJUnitToCTRFReport(file)).results.tests;
  const [other] = parser.parse({ type: 'junit', files: [file] }).suites[0].cases;
  const json = (await parse(fs.readFileSync(file, 'utf8'))).testsuite[0].testcase[0].failure[0].inner;
  const found = [ctrf.status, ctrf.message ?? '', ctrf.trace ?? '', other.status, other.failure ?? '', other.stack_trace ?? '', json];
  console.log(file, found);
  return found;
};
const text = 'Error: expected 3, received 4';
assert.deepEqual(await look('junit.xml'), ['failed', '', '', 'FAIL', '', '', text]);
assert.deepEqual(await look('typed.xml'), ['failed', '', text, 'FAIL', '', text, text]);
JS
node look.mjs
echo "as described"
