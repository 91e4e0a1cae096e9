#!/usr/bin/env bash
# showreel 0.3.1 (PyPI, converts and cuts asciicasts) keeps what comes after --end and shows it at the end.
# Seen on 2026-12-01.
#
# Expected: `showreel convert --end 8` makes a recording of the first eight seconds: events after them are not in it.
# Seen:     they all are, moved to the last moment: what was printed at 12 and at 20 seconds stands at 8, whatever it was. With --start, what
#           came before is kept in the same way at 0, which a screen needs; at the end it is output that nobody was to see.
# So:       a recording that was cut before a mistake or the solution still has it, in the file and on its last frame. Cut with
#           `showreel cut --remove 8-20`, and search the result for what was to go.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check showreel==0.3.1
cat > lesson.cast <<'CAST'
{"version": 2, "width": 40, "height": 6, "timestamp": 1700000000}
[1.0, "o", "first\r\n"]
[7.0, "o", "second\r\n"]
[12.0, "o", "third\r\n"]
[20.0, "o", "the solution\r\n"]
CAST
env/bin/showreel convert lesson.cast --to v2 --end 8 --quiet -o end.cast
env/bin/showreel text lesson.cast --mode screen --end 8 --quiet -o end.txt
env/bin/showreel cut lesson.cast --remove 8-21 --quiet -o cut.cast
cat end.cast end.txt cut.cast
python3 - <<'PY'
import json
read = lambda name: [(event[0], event[2]) for event in map(json.loads, open(name).read().splitlines()[1:])]
assert read("end.cast") == [(1, "first\r\n"), (7, "second\r\n"), (8, "third\r\n"), (8, "the solution\r\n")]
assert "the solution" in open("end.txt").read()
print(read("cut.cast"))
PY
echo "as described"
