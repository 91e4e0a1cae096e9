#!/usr/bin/env bash
# tap-xunit 2.4.1 (npm) writes a green report of a TAP run that gave up half-way.
#
# Expected: `Bail out!`, and a plan of three with two tests behind it, fail a TAP run (tap-parser 18.3.4 exits with 1 for
#           both), so the report has an error or failure for them, or the exit code is 1 as with a failed test.
# Seen:     failures="0" errors="0" and exit code 0 for both. tap-junit 5.0.4 counts a failure for the short plan, which
#           no <testcase> has, and none for `Bail out!`.
# So:       judge the run by its own exit code or by tap-parser beside it, never by the report alone.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts tap-xunit@2.4.1 tap-junit@5.0.4 tap-parser@18.3.4
bin=node_modules/.bin
printf 'TAP version 13\n1..3\nok 1 - starts\nBail out! no database\n' > bail.tap
printf 'TAP version 13\n1..3\nok 1 - starts\nok 2 - deploys\n' > short.tap
printf 'TAP version 13\n1..1\nnot ok 1 - starts\n' > failed.tap
for run in bail short; do
  if "$bin/tap-parser" --silent < $run.tap; then exit 1; fi
  "$bin/tap-xunit" < $run.tap > $run.xml
  "$bin/tap-junit" < $run.tap > $run.junit.xml
  cat $run.xml $run.junit.xml
  grep -q '<testsuite tests=".*" failures="0" errors="0"' $run.xml
  if grep -q '<failure\|<error\|database' $run.xml; then exit 1; fi
done
if "$bin/tap-xunit" < failed.tap > failed.xml; then exit 1; fi
grep -q 'failures="1"' failed.xml
grep -q 'tests="1" skipped="0" failures="0"' bail.junit.xml
grep -q 'tests="2" skipped="0" failures="1"' short.junit.xml
if grep -q '<failure' short.junit.xml; then exit 1; fi
echo "as described"
