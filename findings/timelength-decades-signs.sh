#!/usr/bin/env bash
# timelength 3.0.4, durations 0.3.3 and durations-nlp 1.0.1 (PyPI) and timestring 7.0.0 (npm) read a time as another one, without a word.
# Seen on 2026-12-01.
#
# Expected: "1D" is a day, as "1H" and "1d" are an hour and a day, or is refused; "-5m" is minus five minutes; "1:02:03" is a time or refused.
# Seen:     "1D" is ten years for the three: D is a decade. timelength and timestring drop the minus, and "1h -30m" is ninety minutes for timelength.
#           durations and durations-nlp have the minus, and read "90" and "1:02:03" as 0.
# So:       a time-out of "1D" or a cache of "90" is ten years or none. Hold what was read against bounds, or use pytimeparse2 1.7.1, which has 1D, the minus
#           and the clock right.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check timelength==3.0.4 durations==0.3.3 durations-nlp==1.0.1 pytimeparse2==1.7.1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts timestring@7.0.0
env/bin/python -W ignore - <<'PY'
from durations import Duration as First
from durations_nlp import Duration as Second
from pytimeparse2 import parse
from timelength import TimeLength
day = 86400
texts = ["1D", "1d", "-5m", "90", "1:02:03"]
seen = {text: (TimeLength(text).result.seconds, First(text).to_seconds(), Second(text).to_seconds(), parse(text)) for text in texts}
print(seen)
assert all(value > 3600 * day for value in seen["1D"][:3]) and seen["1D"][3] == day and set(seen["1d"]) == {day}
assert seen["-5m"] == (300, -300, -300, -300) and seen["90"] == (90, 0, 0, 90) and seen["1:02:03"] == (3723, 0, 0, 3723)
assert TimeLength("1h -30m").result.seconds == 5400
PY
node -e "
  const seen = ['-5m', '5m'].map((text) => require('timestring')(text));
  console.log(seen);
  require('node:assert/strict').deepEqual(seen, [300, 300]);
"
echo "as described"
