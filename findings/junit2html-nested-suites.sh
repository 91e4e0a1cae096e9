#!/usr/bin/env bash
# junit2html 31.1.4 (PyPI, a web page of a JUnit file) leaves out the tests of a suite that stands inside another.
#
# Expected: <testsuite> within <testsuite> is what Node.js's own reporter writes for each describe(), and pages of other tools
#           have too; the test cases in it are shown and counted. junitparser 5.0.3 finds them.
# Seen:     only the outer suite's own cases are there: the failed test "deep" is nowhere, "Failures" is 0 though the file's own
#           attribute says 1, and the summary's matrix says Passed for all. Exit code 0, no warning. junitxml-to-javascript 1.1.4
#           (npm) loses them as well.
# So:       a red run of `node --test` has a green page. Take the inner suites out to the top before the page is made.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check junit2html==31.1.4 junitparser==5.0.3
cat > nested.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="outer" tests="2" failures="1">
    <testsuite name="inner" tests="1" failures="1">
      <testcase name="deep" classname="test"><failure message="expected 1 row">diff</failure></testcase>
    </testsuite>
    <testcase name="flat" classname="test"/>
  </testsuite>
</testsuites>
XML
env/bin/junit2html nested.xml nested.html
env/bin/junit2html nested.xml --summary-matrix | tee matrix.txt
grep -q flat nested.html
if grep -q 'deep\|expected 1 row' nested.html matrix.txt; then echo "the inner test is shown"; exit 1; fi
grep -q 'Passed *: *1' matrix.txt
if grep -q 'Failed *:' matrix.txt; then exit 1; fi
env/bin/junitparser verify nested.xml && exit 1
env/bin/python - <<'PY'
from junitparser import JUnitXml
def cases(suite):
    yield from (case.name for case in suite)
    for inner in suite.testsuites(): yield from cases(inner)
found = [name for suite in JUnitXml.fromfile("nested.xml") for name in cases(suite)]
print("junitparser:", found)
assert set(found) == {"deep", "flat"}
PY
echo "as described"
