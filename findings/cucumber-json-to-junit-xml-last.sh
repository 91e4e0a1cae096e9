#!/usr/bin/env bash
# cucumber-json-to-junit-xml 0.0.10 (PyPI) writes only the last scenario of each feature.
# Seen on 2026-12-01.
#
# Expected: each scenario of Cucumber's JSON is a <testcase>.
# Seen:     of a feature with one failed and two passed scenarios only the last, passed one is there, under tests="3" failures="1". Exit code 0.
# So:       whoever reads the list sees a green run, and whoever reads the numbers learns that something failed, and nowhere what. Use Cucumber's own
#           JUnit formatter.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check cucumber-json-to-junit-xml==0.0.10
cat > report.json <<'JSON'
[{"name": "Transfers", "elements": [
  {"type": "scenario", "tags": [], "name": "too much", "steps": [
    {"keyword": "When ", "name": "a transfer", "result": {"status": "failed", "duration": 1000000, "error_message": "balance"}}]},
  {"type": "scenario", "tags": [], "name": "enough", "steps": [
    {"keyword": "When ", "name": "a transfer", "result": {"status": "passed", "duration": 1000000}}]},
  {"type": "scenario", "tags": [], "name": "nothing", "steps": [
    {"keyword": "When ", "name": "a transfer", "result": {"status": "passed", "duration": 1000000}}]}]}]
JSON
env/bin/json_to_junit report.json junit.xml
cat junit.xml; echo
env/bin/python - <<'PY'
from xml.etree import ElementTree
suite = ElementTree.parse("junit.xml").getroot()
assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
assert [case.get("name") for case in suite.iter("testcase")] == ["nothing"]
assert not list(suite.iter("failure"))
PY
echo "as described"
