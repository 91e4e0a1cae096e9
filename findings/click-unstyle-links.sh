#!/usr/bin/env bash
# click 8.5.1 and strip-ansi 0.1.1 (PyPI) leave links in what they take the colours out of.
# Seen on 2026-12-01.
#
# Expected: click.unstyle(): "removes ANSI styling information from a string", as click.echo() does where the output is a file: what is left is text. So
#           does strip_ansi(), "strip ANSI escape sequences".
# Seen:     of a link (OSC 8) and a window's title nothing is taken out: ESC ] 8 ; ; https://e.example/ stands in the file. Colours with colons are taken
#           by click and left by strip-ansi, which leaves `ESC [ K` and `ESC [ ? 25 l` as well.
# So:       logs and comparisons of output have control sequences in them as soon as a tool prints a link, and tables made with
#           len(unstyle(text)) are wide by the address. Take "\x1b\].*?(?:\x07|\x1b\\)" out first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check click==8.5.1 strip-ansi==0.1.1
cat > strip.py <<'PY'
import re, click
from strip_ansi import strip_ansi
texts = {"link": "\x1b]8;;https://e.example/\x1b\\page\x1b]8;;\x1b\\", "title": "\x1b]0;build\x07done", "colons": "\x1b[4:3mcurly\x1b[0m",
         "line": "\x1b[Kline", "colour": "\x1b[1;31mred\x1b[0m"}
seen = {name: (click.unstyle(text), strip_ansi(text)) for name, text in texts.items()}
for name, pair in seen.items(): print(name, *map(repr, pair))
assert set(seen["link"]) == {texts["link"]} and set(seen["title"]) == {texts["title"]}
assert seen["colons"] == ("curly", "\x1b[4:3mcurly") and seen["line"] == ("line", "\x1b[Kline") and seen["colour"] == ("red", "red")
assert click.unstyle(re.sub(r"\x1b\].*?(?:\x07|\x1b\\)", "", texts["link"])) == "page"
click.echo(texts["link"] + click.style("!", fg="red"))
PY
env/bin/python strip.py > seen
cat -v seen
[ "$(tail -1 seen)" = "$(printf '\033]8;;https://e.example/\033\\page\033]8;;\033\\!')" ]
echo "as described"
