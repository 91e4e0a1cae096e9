#!/usr/bin/env bash
# pyte 0.8.2 (PyPI) prints the tail of a colour or underline that is written with colons.
#
# Expected: sub-parameters of SGR separated by colons (ISO 8613-6: `CSI 4:3 m` for a curly underline, `CSI 38:2::r:g:b m`
#           for a colour; crossterm writes the first for `Undercurled`) would be applied or passed over.
# Seen:     the sequence ends at the colon and the rest is text: "3mcurly" stands on the screen.
# So:       a screen test through pyte sees letters that no terminal shows; use semicolons there, or another emulator.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyte==0.8.2
env/bin/python - <<'PY'
import pyte
def shown(text):
    screen = pyte.Screen(30, 1)
    pyte.Stream(screen).feed(text)
    return screen.display[0].rstrip()
print("pyte", pyte.__version__ if hasattr(pyte, "__version__") else "0.8.2")
for text, seen in [("\x1b[4mline\x1b[0m", "line"), ("\x1b[4:3mcurly\x1b[0m", "3mcurly"), ("\x1b[38:2::1:2:3mred\x1b[0m", "2::1:2:3mred")]:
    got = shown(text)
    print(repr(text), "->", repr(got))
    assert got == seen, got
PY
echo "as described"
