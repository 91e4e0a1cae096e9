#!/usr/bin/env bash
# @chatwoot/markdown-to-txt 2.0.4 (npm, the plain text of a Markdown text) writes a list's items, a table's rows and blocks without anything between.
# Seen on 2026-12-01.
#
# Expected: items, rows and paragraphs are lines of their own, as in markdown-to-txt 2.0.1, which it goes on from.
# Seen:     "1. one", "2. two" is "onetwo", a table "a b1 2", a quotation before a block of code "quotels -la".
# So:       words run into each other in mails and previews, and a command is glued to the sentence before it. Use markdown-to-txt.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @chatwoot/markdown-to-txt@2.0.4 markdown-to-txt@2.0.1 lodash@4.17.21
cat > text.mjs <<'JS'
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const first = require('@chatwoot/markdown-to-txt').markdownToTxt, second = require('markdown-to-txt').markdownToTxt;
for (const [text, seen] of [['1. one\n2. two', 'onetwo'], ['| a | b |\n|---|---|\n| 1 | 2 |', 'a b1 2'], ['> quote\n\n    ls -la', 'quotels -la']]) {
  console.log(JSON.stringify(first(text)), JSON.stringify(second(text)));
  assert.equal(first(text).trim(), seen);
  assert.ok(second(text).trim().includes('\n'));
}
JS
node text.mjs
echo "as described"
