#!/usr/bin/env bash
# junit-cli-report-viewer 3.0.0 (npm) shows a test that ended in an <error> as passed.
#
# Expected: a test case with <error>, which JUnit's format has beside <failure> for what went wrong outside of a check (no
#           credentials, a timeout, an exception in the preparation), is shown as not passed, with its message.
# Seen:     it has the tick of a passed one, its message is nowhere, and "failed tests" is 0, though the file's own `errors`
#           says 1. The suite's heading alone says FAIL, above nothing but ticks. The same case as a <failure> has the cross
#           and the message, and is counted.
# So:       whoever reads the list, or the total, takes a run that could not even start for a good one, and learns no reason. For
#           this reader turn <error> into <failure>; junit2json 4.0.0 and junit-to-ctrf 0.0.14 know both.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts junit-cli-report-viewer@3.0.0 junit2json@4.0.0 junit-to-ctrf@0.0.14
cat > error.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="course" tests="2" failures="0" errors="1" time="1.500">
  <testsuite name="lesson" tests="2" failures="0" errors="1" time="1.500">
    <testcase classname="ch01" name="greets" time="1.000"/>
    <testcase classname="ch01" name="connects" time="0.500">
      <error type="error" message="no credentials">set a profile first</error>
    </testcase>
  </testsuite>
</testsuites>
XML
sed 's/failures="0" errors="1"/failures="1" errors="0"/; s/<\(\/\{0,1\}\)error\b/<\1failure/g' error.xml > failure.xml
for kind in error failure; do
  echo "== <$kind>"
  node_modules/.bin/junit-cli-report-viewer $kind.xml | sed 's/\x1b\[[0-9;]*m//g' | tee $kind.txt
done
grep -Eq 'failed tests: +0' error.txt; grep -q '✔ connects' error.txt; grep -q 'FAIL lesson' error.txt
if grep -q 'no credentials' error.txt; then exit 1; fi
grep -Eq 'failed tests: +1' failure.txt; grep -q '✖ connects' failure.txt; grep -q 'FAIL lesson' failure.txt; grep -q 'no credentials' failure.txt
node -e '
require("junit2json").parse(require("fs").readFileSync("error.xml", "utf8")).then((report) => {
  const { message } = report.testsuite[0].testcase[1].error[0];
  console.log("junit2json:", message);
  process.exit(message === "no credentials" ? 0 : 1);
});'
node_modules/.bin/junit-to-ctrf error.xml -o ctrf.json >/dev/null
grep -q '"failed": 1' ctrf.json
echo "as described"
