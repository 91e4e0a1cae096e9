#!/usr/bin/env bash
# vt100 0.16.2 (crates.io, a terminal without a screen, for tests of full-screen programs) shows boxes as letters.
#
# Expected: a box that a curses program draws is a box: it switches to the terminal's line-drawing characters (`ESC ( 0`),
#           which every terminal of the xterm kind has.
# Seen:     the switch is dropped and the characters are taken as they stand: `lqqqk`, `x   x`, `mqqqj`.
# So:       where no locale is set, as in a container, curses draws so, and a test that looks for the box, or for a text
#           that the letters run into, fails there only. Set a UTF-8 locale for the program, or use a terminal that has
#           the set (avt 0.16.0 has).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir src
cat > box.py <<'PY'
import curses
def main(screen):
    screen.subwin(3, 5, 0, 0).box()
    screen.refresh()
curses.wrapper(main)
PY
cat > run.py <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", LC_ALL="C", LINES="5", COLUMNS="20")
    os.execv(sys.executable, [sys.executable, "box.py"])
out = b""
try:
    while data := os.read(fd, 4096):
        out += data
except OSError:
    pass
# What stood there when the program left its screen.
open("out", "wb").write(out[: out.rindex(b"\x1b[?1049l")])
PY
python3 run.py
cat > Cargo.toml <<'TOML'
[package]
name = "box"
version = "0.0.0"
edition = "2021"
[dependencies]
vt100 = "=0.16.2"
avt = "=0.16.0"
TOML
cat > src/main.rs <<'RS'
fn main() {
    let out = std::fs::read("out").unwrap();
    let mut parser = vt100::Parser::new(5, 20, 0);
    parser.process(&out);
    let rows: Vec<String> = parser.screen().rows(0, 20).take(3).map(|row| row.trim_end().to_string()).collect();
    println!("vt100: {}", rows.join("/"));
    let mut terminal = avt::Vt::builder().size(20, 5).build();
    terminal.feed_str(&String::from_utf8(out).unwrap());
    let rows: Vec<String> = terminal.view().iter().take(3).map(|row| row.text().trim_end().to_string()).collect();
    println!("avt:   {}", rows.join("/"));
}
RS
CARGO_TARGET_DIR="$dir/target" cargo run --quiet > seen
cat seen
grep -qx 'vt100: lqqqk/x   x/mqqqj' seen
grep -qx 'avt:   ┌───┐/│   │/└───┘' seen
echo "as described"
