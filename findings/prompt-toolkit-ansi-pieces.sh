#!/usr/bin/env bash
# prompt-toolkit 3.0.53 (PyPI): ANSI() shows pieces of sequences that it does not know as text.
# Seen on 2026-12-01.
#
# Expected: "ANSI formatted text": colours are taken, every other sequence is dropped up to its end.
# Seen:     of `ESC [ ? 25 l` (hide the cursor) "25l" is shown, of `ESC [ 38:2::255:0:0 m` (the standard's way of writing a colour) "2::255:0:0m",
#           of a link all but its marks: "8;;https://e.example/page8;;". A coloured underline, `ESC [ 58 ; 5 ; 9 m`, blinks and is struck through.
# So:       prompts and messages made of another program's output have such pieces in them, and the cursor stands off
#           by their width. Take what is no plain `ESC [ … m` out of the text before it goes into ANSI().
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check prompt-toolkit==3.0.53
env/bin/python - <<'PY'
from prompt_toolkit.formatted_text import ANSI, fragment_list_to_text, to_formatted_text

def text(value):
    return fragment_list_to_text(to_formatted_text(ANSI(value)))

seen = [text("\x1b[?25lwait\x1b[?25h"), text("\x1b[38:2::255:0:0mred\x1b[0m"), text("\x1b]8;;https://e.example/\x1b\\page\x1b]8;;\x1b\\"), text("\x1b[31mred\x1b[0m")]
print(seen)
assert seen == ["25lwait25h", "2::255:0:0mred", "8;;https://e.example/page8;;", "red"]
style = to_formatted_text(ANSI("\x1b[58;5;9mword"))[0][0]
print(style)
assert set(style.split()) == {"blink", "strike"}
PY
echo "as described"
