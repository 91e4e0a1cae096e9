#!/usr/bin/env bash
# pyte 0.8.2 (PyPI) draws a full-screen program over the shell's lines and leaves it there.
#
# Expected: `CSI ? 1049 h` gives an empty screen, and `CSI ? 1049 l` brings the lines and the cursor back, as in the
#           xterm that TERM names; crossterm's EnterAlternateScreen and terminfo's smcup send just that.
# Seen:     the mode is noted in `screen.mode` and nothing else is done: the program's text is put behind what stood
#           there and stays after it has left. 47 and 1047 do the same.
# So:       a test through pyte that says "the terminal is as it was" after a TUI cannot hold, and one that looks for a
#           TUI's words can find those of an earlier one; keep two screens and switch on the mode yourself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyte==0.8.2
env/bin/python - <<'PY'
import pyte
for mode in (1049, 1047, 47):
    screen = pyte.Screen(20, 3)
    stream = pyte.Stream(screen)
    stream.feed("$ run")
    stream.feed(f"\x1b[?{mode}h")
    assert mode << 5 in screen.mode
    stream.feed("Lesson")
    during = screen.display[0].rstrip()
    stream.feed(f"\x1b[?{mode}l")
    after = screen.display[0].rstrip()
    print(mode, repr(during), repr(after), screen.cursor.x)
    assert during == after == "$ runLesson" and screen.cursor.x == 11
PY
echo "as described"
