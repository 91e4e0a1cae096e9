#!/usr/bin/env bash
# rich 15.0.0 (PyPI): Text.from_ansi() shows the address of a link, and makes blinking text of a coloured underline.
# Seen on 2026-12-01.
#
# Expected: a link (OSC 8) is a link however it is ended: with ESC \ or with BEL, as `ls --hyperlink` writes it. A colour for the underline, `ESC [ 58 ; 5 ; 9 m`, is taken or dropped whole.
# Seen:     ended with BEL, "8;;https://e.example/" is in the text, before and behind the link's words, and there is no link; so is a window's
#           title, "0;build". The colour is read as three attributes: 58 is unknown, 5 blinks, 9 strikes through.
# So:       output of other programs that is shown again in rich or Textual has addresses in it and errors that are struck through
#           (compilers underline in colour). Replace "\x07" with "\x1b\\" and take 58;… out before.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check rich==15.0.0
env/bin/python - <<'PY'
from rich.text import Text

def seen(text):
    made = Text.from_ansi(text)
    return made.plain, [str(span.style) for span in made.spans]

results = {
    "link, ESC \\": seen("\x1b]8;;https://e.example/\x1b\\page\x1b]8;;\x1b\\"),
    "link, BEL": seen("\x1b]8;;https://e.example/\x07page\x1b]8;;\x07"),
    "title": seen("\x1b]0;build\x07done"),
    "underline": seen("\x1b[4;58;5;9mword\x1b[0m"),
}
for name, result in results.items():
    print(name, result)
assert results["link, ESC \\"] == ("page", ["link https://e.example/"])
assert results["link, BEL"] == ("8;;https://e.example/page8;;", [])
assert results["title"] == ("0;builddone", [])
assert set(results["underline"][1][0].split()) == {"underline", "blink", "strike"}
PY
echo "as described"
