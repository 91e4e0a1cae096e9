#!/usr/bin/env bash
# @allurereport/reader 3.18.0, junit-merge 2.0.0, junitxml-to-javascript 1.1.4 (npm), testreporthub 1.0.0 and junit2report 1.0.1 (PyPI)
# lose the failed tests of a report that Node.js's own JUnit reporter wrote.
# Seen on 2026-12-01.
#
# Expected: the reporter that comes with Node.js (`--test-reporter=junit`) puts a plain test() right under <testsuites>, and a describe() in
#           a <testsuite>; each <testcase> of the file is read, merged or counted. junit2json 4.0.0 and junit-report-merger 9.0.4 keep all.
# Seen:     the cases outside a suite are left out by all five, a failed one too, without a word: the rest is green, and
#           `testreporthub collect --fail-on-failed` is content. Allure's reader also leaves out suites within suites, and does not take a
#           file at all whose tests all stand outside; of such a file the others have no test.
# So:       a red run is a green report. With these, wrap every test in one describe() and do not nest, or convert with junit2json first;
#           and compare the counted tests with the `<!-- tests 4 -->` that the reporter writes at the end.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @allurereport/reader@3.18.0 @allurereport/reader-api@3.18.0 junit-merge@2.0.0 \
  junitxml-to-javascript@1.1.4 junit2json@4.0.0 junit-report-merger@9.0.4
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check testreporthub==1.0.0 junit2report==1.0.1
cat > part.test.mjs <<'JS'
import assert from 'node:assert';
import { describe, it, test } from 'node:test';
test('alone', () => assert.ok(false));
describe('group', () => {
  it('in a group', () => {});
  describe('part', () => it('in a part', () => assert.ok(false)));
});
JS
node --test-reporter=junit part.test.mjs > node.xml || true
grep -c '<failure' node.xml; test "$(grep -c '<testcase' node.xml)" = 3; test "$(grep -c '<failure' node.xml)" = 2
cat > read.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { junitXml } from '@allurereport/reader';
import { BufferResultFile } from '@allurereport/reader-api';
import Parser from 'junitxml-to-javascript';
import { parse } from 'junit2json';
const xml = fs.readFileSync('node.xml', 'utf8');
const only = xml.replace(/<testsuite [^]*<\/testsuite>/, '');
const allure = async (text) => {
  const seen = [], nothing = async () => {};
  const visitor = { visitTestResult: async ({ name, status }) => seen.push(`${name}: ${status}`), visitAttachmentFile: nothing, visitMetadata: nothing, visitTestFixtureResult: nothing };
  return [await junitXml.read(visitor, new BufferResultFile(Buffer.from(text), 'node.xml')), seen];
};
console.log('Allure:', await allure(xml), await allure(only));
assert.deepEqual(await allure(xml), [true, ['in a group: passed']]);
assert.deepEqual(await allure(only), [false, []]);
const script = async (text) => (await new Parser().parseXMLString(text)).testsuites.flatMap((suite) => suite.testCases.map((one) => `${one.name}: ${one.result}`));
console.log('junitxml-to-javascript:', await script(xml), await script(only));
const names = (await script(xml)).join();
assert.ok(names.includes('in a group: succeeded') && !names.includes('alone'));
assert.deepEqual(await script(only), []);
const json = await parse(xml);
assert.deepEqual([json.testcase[0].name, json.testcase[0].failure.length], ['alone', 1]);
JS
node read.mjs
mkdir parts; cp node.xml parts/
npx junit-merge -d parts -o merged.xml >/dev/null
npx jrm kept.xml node.xml >/dev/null
grep -q 'name="in a group"' merged.xml; if grep -q 'name="alone"' merged.xml; then exit 1; fi
grep -q 'name="alone"' kept.xml
sed '/<testsuite /,/<\/testsuite>/d' node.xml | sed '/<\/testsuite>/d' > only.xml
grep -q '<failure' only.xml
env/bin/testreporthub collect only.xml -o report.json --fail-on-failed --fail-on-error | tee seen; grep -q 'total=0 .*failed=0' seen
env/bin/junit2report only.xml -o report.html | tee seen; grep -Eq 'Failed: +0' seen
echo "as described"
