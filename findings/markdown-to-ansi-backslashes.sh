#!/usr/bin/env bash
# markdown-to-ansi 1.0.0 (npm, Markdown in a terminal) puts backslashes into names, and leaves its marks where it does not know a thing.
# Seen on 2026-12-01.
#
# Expected: a terminal shows text: my_var_name is my_var_name, an escaped \* is a star, &lt; is <.
# Seen:     "my\_var\_name", "\*" and "a \<b>": text is written as Markdown again, with what Markdown needs, and coloured. The fence
#           of a block, ```sh, is there as well.
# So:       a name or a path that is copied from the help on the screen has backslashes in it. Use markdansi 0.3.4 or cli-markdown 3.5.1.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts markdown-to-ansi@1.0.0 cli-markdown@3.5.1
cat > show.mjs <<'JS'
import assert from 'node:assert/strict';
import toAnsi from 'markdown-to-ansi';
import other from 'cli-markdown';
const show = (text) => toAnsi({})(text).replace(/\x1b\[[0-9;]*m/g, '').trim(), second = (text) => other(text).replace(/\x1b\[[0-9;]*m/g, '').trim();
const texts = ['my_var_name\n', 'two \\* three\n', 'a &lt;b&gt;\n'];
const seen = texts.map(show);
console.log(seen, texts.map(second));
assert.deepEqual(seen, ['my\\_var\\_name', 'two \\* three', 'a \\<b>']);
assert.match(show('```sh\nls\n```\n'), /^```sh\s+ls\s+```$/);
assert.deepEqual(texts.map(second), ['my_var_name', 'two * three', 'a <b>']);
JS
node show.mjs
echo "as described"
