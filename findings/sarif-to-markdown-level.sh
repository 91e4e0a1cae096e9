#!/usr/bin/env bash
# @security-alert/sarif-to-markdown 1.11.1 (npm) writes "Nothing here." for findings whose level stands at the result.
# Seen on 2026-12-01.
#
# Expected: a result with `"level": "error"`, the way @microsoft/eslint-formatter-sarif 3.1.0 writes each, is an error, and one without
#           any level a warning (SARIF 2.1.0, 3.27.10); each result is there with its own message.
# Seen:     in the report only a rule's `defaultConfiguration.level` counts. Without one (ESLint's rules have none) it is empty and
#           `hasMessages` is false, though `shouldFail` is true; with one, a result that says "note" is shown as the rule's error. Of
#           several results of a rule the first one's message is shown for all their places.
# So:       a check of a pull request is red with a comment that has nothing in it, or posts none. Write each result's level into its
#           rule before, and give each message a rule of its own.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @security-alert/sarif-to-markdown@1.11.1 @microsoft/eslint-formatter-sarif@3.1.0 eslint@8.57.1
cat > report.cjs <<'JS'
const assert = require('node:assert/strict');
const { ESLint } = require('eslint');
const { sarifToMarkdown } = require('@security-alert/sarif-to-markdown');
const format = require('@microsoft/eslint-formatter-sarif');
const markdown = (sarif) => {
  const [report] = sarifToMarkdown({ owner: 'o', repo: 'r', branch: 'main', sourceRoot: '', failOn: 'error' })(sarif);
  return [report.body.split('## Suppressed')[0].split('## Results')[1].trim(), report.shouldFail, report.hasMessages];
};
(async () => {
  const eslint = new ESLint({ useEslintrc: false, overrideConfig: { rules: { 'no-unused-vars': 'error' } } });
  const results = await eslint.lintText('var first = 1;\nvar second = 2;\n', { filePath: 'a.js' });
  assert.equal(results[0].errorCount, 2);
  const sarif = JSON.parse(format(results, { rulesMeta: eslint.getRulesMetaForResults(results) }));
  const [run] = sarif.runs;
  assert.deepEqual(run.results.map((result) => result.level), ['error', 'error']);
  const empty = markdown(sarif);
  console.log(empty);
  assert.deepEqual(empty, ['Nothing here.', true, false]);

  run.tool.driver.rules[0].defaultConfiguration = { level: 'error' };
  const [body] = markdown(sarif);
  console.log(body);
  assert.ok(body.includes("'first'") && body.includes('#L1') && body.includes('#L2') && !body.includes("'second'"));

  for (const result of run.results) result.level = 'note';
  assert.match(markdown(sarif)[0], /ERROR/);
})();
JS
node report.cjs
echo "as described"
