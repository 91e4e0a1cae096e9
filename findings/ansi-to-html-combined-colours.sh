#!/usr/bin/env bash
# ansi-to-html 0.7.2 (npm) makes blinking bold text of what rich 13.9.4 (PyPI) prints in colour.
# Seen on 2026-11-30.
#
# Expected: `ESC [ 1 ; 38 ; 5 ; 208 m`, bold in orange, is that, as `ESC [ 38 ; 5 ; 208 m` alone is orange.
# Seen:     a colour of the 256 or of the 16 million is known only as the sole part of a sequence. Together with another
#           attribute or with a background each number counts for itself: 5 is blink, and in `38;2;255;0;1` 1 is bold. rich (so
#           pip and many command lines) writes a style's attributes always in one sequence. No error.
# So:       a page of a build's output blinks where it should be orange; take each `ESC [ … m` apart first, one colour to each.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check rich==13.9.4
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ansi-to-html@0.7.2
env/bin/python - <<'PY'
import json
from rich.console import Console
def text(style):
    console = Console(force_terminal=True, color_system="truecolor", _environ={})
    with console.capture() as capture: console.print("hot", style=style, end="")
    return capture.get()
json.dump({style: text(style) for style in ["color(208)", "bold color(208)", "color(208) on color(17)", "underline rgb(255,0,1)"]}, open("styles.json", "w"))
PY
cat > html.cjs <<'JS'
const assert = require('node:assert/strict');
const Convert = require('ansi-to-html');
const seen = {};
for (const [style, text] of Object.entries(require('./styles.json'))) { seen[style] = new Convert().toHtml(text); console.log(style, JSON.stringify(text), seen[style]); }
assert.equal(seen['color(208)'], '<span style="color:#ff8700">hot</span>');
for (const style of ['bold color(208)', 'color(208) on color(17)']) { assert.match(seen[style], /<blink>/); assert.doesNotMatch(seen[style], /color:/); }
assert.match(seen['underline rgb(255,0,1)'], /<b>/);
assert.doesNotMatch(seen['underline rgb(255,0,1)'], /color:/);
JS
node html.cjs
echo "as described"
