#!/usr/bin/env bash
# asciinema-scene 1.3.0 (PyPI, `sciine`, an editor of asciicasts) counts from the first event, not from the recording's start.
#
# Expected: `sciine cut --start 10 --end 12` takes out what a player shows between 0:10 and 0:12, which are the times in the
#           file, and leaves the header's `timestamp`, the moment of recording, as it was.
# Seen:     the silence before the first event is dropped unasked, also by `convert`, and timecodes are counted after that:
#           a recording whose first line comes at 3 seconds loses the events from 13 to 15, and keeps the one at 11 that
#           was to go. `timestamp` is the moment of the edit; only `convert` keeps it.
# So:       take timecodes from `sciine show`, not from a player, nor from the file or its list of chapters; where sound or
#           subtitles run beside the recording, put the silence and the timestamp back.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check asciinema-scene==1.3.0
cat > lesson.cast <<'CAST'
{"version": 2, "width": 40, "height": 6, "timestamp": 1700000000}
[3.0, "o", "ready\r\n"]
[9.0, "m", "Step one"]
[11.0, "o", "a password, by mistake\r\n"]
[14.0, "o", "the answer\r\n"]
[20.0, "o", "done\r\n"]
CAST
env/bin/sciine cut --start 10 --end 12 --input lesson.cast --output cut.cast
env/bin/sciine convert --format v2 --input lesson.cast --output same.cast
cat cut.cast; cat same.cast
python3 - <<'PY'
import json
read = lambda name: [json.loads(line) for line in open(name)]
(old, *events), (new, *kept), (same, *moved) = read("lesson.cast"), read("cut.cast"), read("same.cast")
assert [text for _, _, text in kept] == ["ready\r\n", "Step one", "a password, by mistake\r\n", "done\r\n"]
assert [at for at, _, _ in moved] == [at - 3 for at, _, _ in events]
assert new["timestamp"] > old["timestamp"] == same["timestamp"]
PY
echo "as described"
