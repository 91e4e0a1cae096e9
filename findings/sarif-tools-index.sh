#!/usr/bin/env bash
# sarif-tools 3.0.5 (PyPI) does not follow the indexes that a SARIF report may name its rules and files by.
# Seen on 2026-11-30.
#
# Expected: a result says its rule by `ruleId`, by `ruleIndex` or by `rule`, and its file by `uri` or by an `index` into the run's
#           artifacts (SARIF 2.1.0, 3.27.5 to 3.27.7 and 3.4.5); a writer that saves space uses the indexes.
# Seen:     one result with only `ruleIndex` ends `sarif summary`, and the rest, with KeyError: 'ruleId' for the whole report. A file
#           by its index is "-" in the CSV: the finding is there and nobody can see where.
# So:       write both into each result before (jq), or have the writer do it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check sarif-tools==3.0.5
env/bin/python - <<'PY'
import json
def report(name, **rule):
    place = {"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 7}}}
    result = {**rule, "level": "error", "message": {"text": "no key"}, "locations": [place]}
    json.dump({"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [{
        "tool": {"driver": {"name": "lint", "rules": [{"id": "KEY"}]}},
        "artifacts": [{"location": {"uri": "sql/bank.sql"}}], "results": [result]}]}, open(name, "w"))
report("id.sarif", ruleId="KEY")
report("index.sarif", ruleIndex=0)
report("rule.sarif", rule={"index": 0})
PY
env/bin/sarif csv -o id.csv id.sarif >/dev/null
cat id.csv
grep -q '^lint,error,KEY,no key,-,7' id.csv
for name in index rule; do
    if env/bin/sarif summary "$name.sarif" >out 2>&1; then cat out; exit 1; fi
    tail -1 out
    grep -q "^KeyError: 'ruleId'" out
done
echo "as described"
