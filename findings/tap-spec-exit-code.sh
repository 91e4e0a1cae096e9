#!/usr/bin/env bash
# tap-spec 5.0.0 (npm, makes a TAP stream readable) exits with 0 for a failed test that has no diagnostics.
#
# Expected: `not ok` fails the run, whether a YAML block with details follows or not (TAP leaves it to the producer); so exit
#           code 1, as with tap-parser 18.3.4 and tap-arc 1.3.2.
# Seen:     it prints "Failed Tests: There was 1 failure" and exits with 0. With a `---` block behind the test, as tape writes it,
#           the code is 1.
# So:       `something | tap-spec` is green in CI for producers other than tape (shell scripts, prove, Test::More, a runner of
#           lessons). Judge by the producer's own code (`set -o pipefail`), or put tap-parser there.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund tap-spec@5.0.0 tap-parser@18.3.4 tap-arc@1.3.2 >/dev/null
printf 'TAP version 13\n# lesson one\nok 1 - creates a cluster\nnot ok 2 - connects\n1..2\n' > bare.tap
printf 'TAP version 13\n# lesson one\nok 1 - creates a cluster\nnot ok 2 - connects\n' > details.tap
printf '  ---\n    operator: ok\n  ...\n1..2\n' >> details.tap
run() { code=0; node_modules/.bin/"$1" < "$2" > out.txt 2>&1 || code=$?; echo "$1 $2: exit code $code"; }
run tap-spec bare.tap; cat out.txt; test "$code" = 0; grep -q 'There was .*1.* failure' out.txt
run tap-spec details.tap; test "$code" = 1
for reader in tap-parser tap-arc; do run "$reader" bare.tap; test "$code" = 1; done
echo "as described"
