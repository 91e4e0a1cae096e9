#!/usr/bin/env bash
# tap-nirvana 1.1.0 (npm, makes a TAP stream readable) fails a run in which everything passed: "No tests found".
#
# Expected: a TAP stream of a plan and test points is complete; comments are optional. Two `ok` and `1..2` are a passed run, exit
#           code 0, as with tap-parser 18.3.4 and tap-arc 1.3.2.
# Seen:     both tests are shown with their ticks, and below them "No tests found", exit code 1. With the comment lines at the
#           end that tape writes (`# tests 2`, `# pass 2`) the same run is a passed one.
# So:       only feed it tape's output; from other producers every good run is red in CI. Adding the two comments helps.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund tap-nirvana@1.1.0 tap-parser@18.3.4 tap-arc@1.3.2 >/dev/null
printf 'TAP version 13\nok 1 - creates\nok 2 - connects\n1..2\n' > bare.tap
printf 'TAP version 13\n# lesson\nok 1 - creates\nok 2 - connects\n\n1..2\n# tests 2\n# pass  2\n\n# ok\n' > tape.tap
run() { code=0; node_modules/.bin/"$1" < "$2" > out.txt 2>&1 || code=$?; echo "$1 $2: exit code $code"; }
run tap-nirvana bare.tap; cat out.txt; test "$code" = 1; grep -q 'No tests found' out.txt; grep -q creates out.txt
run tap-nirvana tape.tap; cat out.txt; test "$code" = 0
for reader in tap-parser tap-arc; do run "$reader" bare.tap; test "$code" = 0; done
echo "as described"
