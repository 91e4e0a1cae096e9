#!/usr/bin/env bash
# any-shell-escape 0.1.1 (npm, a command line from a list of arguments) drops an argument that is empty.
# Seen on 2026-12-01.
#
# Expected: the shell gets the list: ["git", "commit", "-m", "", "file"] is git commit -m '' file.
# Seen:     git commit -m  file, so that "file" is the message. Quotes, blanks, dollars and line feeds are right.
# So:       each argument behind an empty one moves up by one. shell-quote 1.8.3 writes '' for it.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts any-shell-escape@0.1.1 shell-quote@1.8.3
cat > look.cjs <<'JS'
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const line = require('any-shell-escape');
const { quote } = require('shell-quote');
const list = ['printf', '<%s>', "it's", '$HOME', '', 'file'];
const run = (text) => execFileSync('bash', ['-c', text], { encoding: 'utf8' });
console.log(JSON.stringify([line(list), run(line(list)), quote(list), run(quote(list))]));
assert.equal(run(line(list)), "<it's><$HOME><file>");
assert.equal(run(quote(list)), "<it's><$HOME><><file>");
JS
node look.cjs
echo "as described"
