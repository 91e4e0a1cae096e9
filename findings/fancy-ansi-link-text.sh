#!/usr/bin/env bash
# fancy-ansi 0.1.3 (npm, terminal output to HTML) leaves out the words of a hyperlink.
#
# Expected: text inside an OSC 8 link (`ESC ] 8 ; ; URL ST text ESC ] 8 ; ; ST`, which command lines print for documents and
#           consoles) is an <a>, or where links are not taken, plain text, as ansi_up 6.0.6 and its own stripAnsi() have it.
# Seen:     toHtml() drops the link and the words in it: "see the guide first" becomes "see  first", for every URL and for both
#           ways to end the sequence. No error, and colours elsewhere in the line are right.
# So:       a web view of a build's or a lesson's output has holes where the terminal has the words that matter; take the
#           OSC 8 sequences out (not the text between them) before the text is handed over.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts fancy-ansi@0.1.3 ansi_up@6.0.6
cat > links.mjs <<'JS'
import assert from 'node:assert/strict';
import { AnsiUp } from 'ansi_up';
import { FancyAnsi, stripAnsi } from 'fancy-ansi';

for (const end of ['\x1b\\', '\x07']) {
  const text = `see \x1b]8;;https://example.com/guide${end}the guide\x1b]8;;${end} \x1b[1mfirst\x1b[0m`;
  const html = new FancyAnsi().toHtml(text);
  const seen = html.replace(/<[^>]*>/g, '');
  console.log({ html, seen, stripped: stripAnsi(text), ansi_up: new AnsiUp().ansi_to_html(text) });
  assert.equal(seen, 'see  first');
  assert.equal(stripAnsi(text), 'see the guide first');
  assert.match(new AnsiUp().ansi_to_html(text), /<a href="https:\/\/example\.com\/guide">the guide<\/a>/);
}
JS
node links.mjs
echo "as described"
