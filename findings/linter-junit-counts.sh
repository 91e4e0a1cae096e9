#!/usr/bin/env bash
# flake8-junit-report-basic 3.0.0 (PyPI) and stylelint-junit-formatter 0.2.2 (npm) write numbers above a JUnit report that its tests do not have.
# Seen on 2026-12-01.
#
# Expected: "tests" and "failures" of a <testsuite> are what is in it.
# Seen:     for two findings in one file the first writes tests="1" failures="0" errors="1" over two <testcase>s with a <failure>: it counts files. The second
#           writes failures="1" errors="1" over the one test "stylelint.passed", when a file has only a warning, which stylelint lets pass.
# So:       servers that read the numbers and those that count the tests say different things of one file, and a green lint can be a red build. Count the
#           <failure> elements.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check flake8-junit-report-basic==3.0.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts stylelint-junit-formatter@0.2.2
printf '%s\n' "a.py:1:1: F401 'os' imported but unused" 'a.py:2:80: E501 line too long' > flake8.txt
env/bin/flake8_junit flake8.txt flake8.xml; echo
cat > format.cjs <<'JS'
const formatter = require('stylelint-junit-formatter');
console.log(formatter([{ source: 'a.css', errored: false, warnings: [{ line: 1, column: 2, rule: 'r', severity: 'warning', text: 'late' }] }]));
JS
node format.cjs > stylelint.xml
cat flake8.xml stylelint.xml
env/bin/python - <<'PY'
from xml.etree import ElementTree
def numbers(name):
    suite = next(ElementTree.parse(name).getroot().iter("testsuite"))
    return [suite.get(key) for key in ("tests", "failures", "errors")], len(list(suite.iter("testcase"))), len(list(suite.iter("failure")))
assert numbers("flake8.xml") == (["1", "0", "1"], 2, 2), numbers("flake8.xml")
assert numbers("stylelint.xml") == (["1", "1", "1"], 1, 0), numbers("stylelint.xml")
PY
echo "as described"
