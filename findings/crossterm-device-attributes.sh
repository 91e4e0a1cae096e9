#!/usr/bin/env bash
# crossterm 0.29.0 (crates.io) makes key presses of a terminal's report that it does not know.
#
# Expected: a CSI sequence that is none of its keys is dropped whole, up to its final letter.
# Seen:     the secondary device attributes (`CSI > 41 ; 370 ; 0 c`, xterm's answer to a question that another program
#           asked just before) are given up at the `>`: the program is told of the keys 4 1 ; 3 7 0 ; 0 c.
# So:       in a program with single-letter commands, starting it from a prompt or an editor that has just asked the
#           terminal who it is can press its keys. Read and drop such reports before crossterm sees them.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "keys"
version = "0.0.0"
edition = "2021"
[dependencies]
crossterm = "=0.29.0"
TOML
cat > src/main.rs <<'RS'
use crossterm::event::{poll, read, Event};
use std::time::Duration;
fn main() -> std::io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    println!("ready\r");
    let mut keys = String::new();
    while poll(Duration::from_millis(1500))? {
        if let Event::Key(key) = read()? {
            match key.code.as_char() {
                Some('q') => break,
                Some(c) => keys.push(c),
                None => keys.push('?'),
            }
        }
    }
    crossterm::terminal::disable_raw_mode()?;
    println!("keys: {keys}.");
    Ok(())
}
RS
CARGO_TARGET_DIR="$dir/target" cargo build --quiet
cat > drive.py <<'PY'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv("target/debug/keys", ["keys"])
seen, sent, end = b"", False, time.time() + 20
while time.time() < end and b"keys: " not in seen:
    ready, _, _ = select.select([fd], [], [], 1)
    if ready:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    if b"ready" in seen and not sent:
        os.write(fd, b"\x1b[>41;370;0c"); time.sleep(0.3); os.write(fd, b"q"); sent = True
print(seen.decode(errors="replace").strip().splitlines()[-1])
PY
keys=$(python3 drive.py)
echo "$keys"
[ "$keys" = "keys: 41;370;0c." ]
echo "as described"
