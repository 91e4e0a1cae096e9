#!/usr/bin/env bash
# libtmux 0.62.0 (PyPI, with tmux 3 installed): send_keys() loses the semicolon at the end of a line.
# Seen on 2026-11-30.
#
# Expected: pane.send_keys("select 1;") types select 1; and presses Enter, and with literal=True every character for certain.
# Seen:     tmux takes a `;` at the end of an argument for its own separator of commands, and libtmux hands the text on without
#           the backslash that would keep it: the pane gets "select 1", with literal=True too. A `;` further inside arrives, one
#           at the end of `select 1; select 2;` does not. No error. psql then waits for the rest of the statement, and the
#           test for its answer.
# So:       for SQL and shell lines that end in `;` write text[:-1] + "\\;", or end them with "; ".
set -euo pipefail
command -v tmux >/dev/null || { echo "needs tmux" >&2; exit 1; }
dir=$(mktemp -d); trap 'tmux -S "$dir/tmux" kill-server 2>/dev/null || true; rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check libtmux==0.62.0
env/bin/python - <<'PY'
import os, time
import libtmux
server = libtmux.Server(socket_path=os.path.abspath("tmux"), config_file="/dev/null")
pane = server.new_session(session_name="sql", x=60, y=20, window_command="cat > typed").active_pane
sent = [("select 1;", {}), ("select 2;", {"literal": True}), ("select 3; select 4;", {}), ("select 5; ", {}), ("select 6\\;", {}), ("finished", {})]
for text, how in sent:
    pane.send_keys(text, enter=not how, **how)
    if how: pane.enter()
for _ in range(100):
    typed = open("typed").read().splitlines() if os.path.exists("typed") else []
    if "finished" in typed: break
    time.sleep(0.1)
print(typed)
assert typed == ["select 1", "select 2", "select 3; select 4", "select 5; ", "select 6;", "finished"]
PY
echo "as described"
