#!/usr/bin/env bash
# remove-markdown 0.6.2, @excalidraw/markdown-to-text 0.1.2 and @brainfish-ai/remove-markdown 0.0.3 (npm) delete what stands between < and >.
# Seen on 2026-12-01.
#
# Expected: the text of "a < b and c > d" is that, since Markdown has no tag there; a block of code is its lines, and \* is a star.
# Seen:     "a  d", from all three. The # of a comment and the - of a list are taken off inside of code, too, and a\*b\*c is a\b\c: the stars are gone and the
#           backslashes stay. The two latter make myvarname of my_var_name as well.
# So:       a preview, a search index or a summary says something else than the page: conditions vanish, commands lose their comments. Render with a parser
#           (marked, markdown-it) and take the text of its tokens.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts remove-markdown@0.6.2 @excalidraw/markdown-to-text@0.1.2 @brainfish-ai/remove-markdown@0.0.3
cat > strip.mjs <<'JS'
import assert from 'node:assert/strict';
import first from 'remove-markdown';
import { removeMarkdown as second } from '@excalidraw/markdown-to-text';
import third from '@brainfish-ai/remove-markdown';
const all = (text) => [first, second, third].map((strip) => strip(text).replace(/\n`*$/, ''));
console.log(all('a < b and c > d'), all('```sh\n# install\n- x\n```'), all('a\\*b\\*c'), all('my_var_name'));
assert.deepEqual(all('a < b and c > d'), ['a  d', 'a  d', 'a  d']);
assert.deepEqual(all('```sh\n# install\n- x\n```'), ['install\nx', 'install\nx', 'install\nx']);
assert.deepEqual(all('a\\*b\\*c'), ['a\\b\\c', 'a\\b\\c', 'a\\b\\c']);
assert.deepEqual(all('set my_var_name'), ['set my_var_name', 'set myvarname', 'set myvarname']);
JS
node strip.mjs
echo "as described"
