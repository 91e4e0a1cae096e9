#!/usr/bin/env bash
# ansiwrap 0.8.4 (PyPI, wraps coloured text) hides the second line of a text in one of 256 colours.
# Seen on 2026-12-01.
#
# Expected: a style that is on at a line's end is switched on again on the next: 38;5;208 stays 38;5;208, and what 22 (not bold) has ended stays off.
# Seen:     the next line begins with "3;8;;;5;;;2;0;8": italic, hidden, blinking, reset, hidden again. Bold is on again after a 22. The eight colours are right.
# So:       the rest of an orange warning is there and cannot be seen. Wrap with 16 colours only, or use rich's Text.from_ansi.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check ansiwrap==0.8.4
cat > look.py <<'PY'
import ansiwrap
plain = ansiwrap.wrap('\x1b[31mone two three\x1b[39m four', 8)
orange = ansiwrap.wrap('\x1b[38;5;208mone two three\x1b[39m four', 8)
bold = ansiwrap.wrap('\x1b[1mone two\x1b[22m three four', 8)
print(plain, orange, bold)
assert plain[1].startswith('\x1b[31mthree')
assert orange[0].startswith('\x1b[38;5;208mone two')
assert orange[1].startswith('\x1b[3;8;;;5;;;2;0;8mthree')
assert bold[1].startswith('\x1b[1mthree')
PY
env/bin/python look.py
echo "as described"
