#!/usr/bin/env bash
# jest-json-to-tap 2.1.0 (npm, Jest's JSON as TAP) lets a failed test pass whose title has "# TODO" in it, and fails a run for test.todo().
# Seen on 2026-12-01.
#
# Expected: in TAP a # in a title is written \#, since "# TODO" behind a title means that a failure does not count; test.todo() is a line too.
# Seen:     `not ok 1 keeps # TODO comments` as it stands: for tap-parser 18.3.4 the run is a good one. A todo has no line and is counted in the plan, so a
#           run of one passed test and one todo, which Jest calls passed, is "incorrect number of tests".
# So:       a linter's or an editor's own tests, which have such titles, can fail unseen. Go by Jest's exit code.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jest-json-to-tap@2.1.0 tap-parser@18.3.4
report() {
  printf '{"numFailedTestSuites": 0, "numTotalTests": %s, "numPassedTests": 1, "numFailedTests": 0, "testResults": [{"assertionResults": [%s]}]}' "$1" "$2"
}
one='{"title": "reads", "status": "passed", "failureMessages": []}'
code() { local status=0; node_modules/.bin/jest-json-to-tap < "$1.json" > "$1.tap"; node_modules/.bin/tap-parser < "$1.tap" > /dev/null || status=$?; cat "$1.tap"; echo; echo "$1: $status" | tee -a codes; }
report 1 '{"title": "keeps comments", "status": "failed", "failureMessages": ["gone"]}' > failed.json
report 1 '{"title": "keeps # TODO comments", "status": "failed", "failureMessages": ["gone"]}' > named.json
report 2 "$one, {\"title\": \"writes\", \"status\": \"todo\", \"failureMessages\": []}" > todo.json
report 1 "$one" > passed.json
for run in failed named todo passed; do code $run; done
grep -qx 'failed: 1' codes; grep -qx 'named: 0' codes; grep -qx 'todo: 1' codes; grep -qx 'passed: 0' codes
grep -q '^not ok 1 keeps # TODO comments' named.tap
grep -qx '1..2' todo.tap; if grep -q writes todo.tap; then exit 1; fi
echo "as described"
