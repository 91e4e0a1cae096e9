#!/usr/bin/env bash
# yamllint-junit 0.10.1 (PyPI, yamllint's output as JUnit) cuts each message at its first colon.
# Seen on 2026-12-01.
#
# Expected: the report says what yamllint 1.37.1 said: "[error] syntax error: expected ',' or ']', but got ':' (syntax)".
# Seen:     "[error] syntax error", in the attribute and in the text, for every file that is no YAML at all: what was expected and what stood there is
#           gone. Messages without a colon are whole. The <failure> is counted as an error: failures="0" errors="1".
# So:       the one kind of fault that stops a deployment is reported without its reason. Keep yamllint's own output beside the report.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check yamllint-junit==0.10.1 yamllint==1.37.1
printf -- '---\na: [1\nb: 2\n' > bad.yaml
if env/bin/yamllint -f parsable bad.yaml > lint.txt; then exit 1; fi
cat lint.txt
grep -q "syntax error: expected ',' or ']', but got ':'" lint.txt
env/bin/yamllint-junit -o junit.xml < lint.txt
cat junit.xml; echo
env/bin/python - <<'PY'
from xml.etree import ElementTree
root = ElementTree.parse("junit.xml").getroot()
failure, suite = root.find(".//failure"), root.find("testsuite")
assert failure.text == failure.get("message") and failure.text.endswith("] [error] syntax error")
assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("0", "1", "1")
PY
echo "as described"
