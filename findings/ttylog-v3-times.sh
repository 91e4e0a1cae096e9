#!/usr/bin/env bash
# ttylog 0.1.0 (PyPI, trims and exports recordings) writes negative times when it trims a recording of asciinema 3.
# Seen on 2026-12-01.
#
# Expected: "files recorded with `asciinema`" work directly with trim, export and info. asciinema 3 writes asciicast v3, in which a time is the
#           interval since the event before; a file that it cannot read is refused.
# Seen:     it takes v3's intervals for times since the start, without a word: `ttylog info` says 0.1 s for a recording of 14 s and "?×?" for
#           its size, and `ttylog trim` writes a v3 file with -6.5, -5.0 and -7.4 in it and "saved 7.5s". The same recording in v2 is right.
# So:       look at the first line of the file; convert a "version": 3 with `asciinema convert -f asciicast-v2` before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check ttylog==0.1.0
printf '%s\n' '{"version": 3, "term": {"cols": 80, "rows": 24}}' '[0.5, "o", "one\r\n"]' '[10, "o", "two\r\n"]' '[1, "m", "mark"]' \
  '[2.5, "o", "three\r\n"]' '[0.1, "x", "0"]' > three.cast
printf '%s\n' '{"version": 2, "width": 80, "height": 24}' '[0.5, "o", "one\r\n"]' '[10.5, "o", "two\r\n"]' '[11.5, "m", "mark"]' \
  '[14.0, "o", "three\r\n"]' > two.cast
for name in two three; do
  env/bin/ttylog info $name.cast | tee $name.info
  env/bin/ttylog trim $name.cast $name-short.cast
  cat $name-short.cast
done
times() { tail -n +2 "$1" | sed 's/^\[\([^,]*\),.*/\1/' | tr '\n' ' '; }
grep -q '14.0s' two.info; grep -q '80×24' two.info
test "$(times two-short.cast)" = "0.5 2.5 3.5 5.5 "
grep -q ' 0.1s' three.info; grep -q '?×?' three.info
head -1 three-short.cast | grep -q '"version": 3'
test "$(times three-short.cast)" = "0.5 2.5 -6.5 -5.0 -7.4 "
echo "as described"
