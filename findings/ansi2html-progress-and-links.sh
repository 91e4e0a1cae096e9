#!/usr/bin/env bash
# ansi2html 1.9.5 (PyPI, terminal output to HTML) shows control sequences of ordinary programs as text, and all states of a progress bar.
#
# Expected: what a program has printed looks in HTML as it did in a terminal: a bar that is drawn over itself stands there once, hiding
#           the cursor shows nothing, a hyperlink is its words.
# Seen:     with what rich 15.0.0 prints for a bar and a link, each state of the bar is a line of its own, "[?25l" and "[?25h" stand
#           around it, and the link reads `]8;id=…;https://…\lesson]8;;\`: it is only known when it ends with BEL, as ls has it, and not
#           when it ends with ESC \, which is the standard's own form and that of rich, gcc and systemd. rich's own Text.from_ansi()
#           reads the link; ansi_up 6.0.6 (npm) the link and the cursor.
# So:       pages made of a course's or a CI's transcript are full of such remains. Switch bars and links off in the program
#           (TERM=dumb, --no-progress), or use another converter.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check ansi2html==1.9.5 rich==15.0.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ansi_up@6.0.6
cat > program.py <<'PY'
from rich.console import Console
from rich.progress import track
console = Console(force_terminal=True, color_system="standard", width=60)
for _ in track(range(2), description="loads", console=console):
    pass
console.print("read the [link=https://course.example/open]lesson[/link] again")
PY
TERM=xterm-256color env/bin/python program.py > output
cat -v output
echo "== ansi2html"
env/bin/ansi2html --inline < output > raw
LC_ALL=C tr -d '\033' < raw | tee page    # the escape characters themselves stay in the page, where a browser shows nothing for them
test "$(grep -c loads page)" -ge 2
grep -qF '[?25l' page; grep -qF '[?25h' page
grep -qF 'https://course.example/open\lesson]8;;\' page
if grep -q '<a ' page; then exit 1; fi
echo "== the same link, ended with BEL"
printf '\033]8;;https://course.example/open\007lesson\033]8;;\007 again\n' | env/bin/ansi2html --inline | tee bell
grep -qF '<a href="https://course.example/open">lesson</a> again' bell
echo "== others"
env/bin/python - <<'PY'
from rich.text import Text
last = Text.from_ansi(open("output", newline="").read().splitlines()[-1]).plain
print("rich:   ", repr(last))
assert last == "read the lesson again"
PY
cat > other.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { AnsiUp } from 'ansi_up';
const page = new AnsiUp().ansi_to_html(readFileSync('output', 'utf8'));
console.log('ansi_up:', JSON.stringify(page.slice(-90)));
process.exit(page.includes('<a href="https://course.example/open">lesson</a> again') && !page.includes('?25') ? 0 : 1);
JS
node other.mjs
echo "as described"
