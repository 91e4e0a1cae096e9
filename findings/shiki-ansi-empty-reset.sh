#!/usr/bin/env bash
# shiki 4.6.0 and the ansi-sequence-parser 1.1.3 in it (npm) do not end a colour at `ESC [ m`.
# Seen on 2026-11-30.
#
# Expected: `ESC [ m` is `ESC [ 0 m`, back to normal; it is how grep --color, git's coloured diff and GCC end each colour.
# Seen:     the sequence is taken out and nothing is reset: in a slide or page with an `ansi` block (Slidev, VitePress, Astro)
#           everything behind the first hit of a grep is red and bold, till a `0` or another colour comes. With `ESC [ 0 m` it is right.
# So:       write the zero in before the text is shown: sed 's/\x1b\[m/\x1b[0m/g'.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts shiki@4.6.0 ansi-sequence-parser@1.1.3
cat > reset.mjs <<'JS'
import assert from 'node:assert/strict';
import { createAnsiSequenceParser } from 'ansi-sequence-parser';
import { codeToHtml } from 'shiki';
// As `git diff --color` ends a removed line, and the same with the zero.
const text = '\x1b[31m-old\x1b[m same', zero = text.replace('\x1b[m', '\x1b[0m');
const colours = (line) => createAnsiSequenceParser().parse(line).map((part) => [part.value, part.foreground?.name ?? null]);
console.log(colours(text), colours(zero));
assert.deepEqual(colours(text), [['-old', 'red'], [' same', 'red']]);
assert.deepEqual(colours(zero), [['-old', 'red'], [' same', null]]);
const spans = async (line) => [...(await codeToHtml(line, { lang: 'ansi', theme: 'vitesse-dark' })).matchAll(/<span style="color:(#\w+)">([^<]*)/g)].map(([, colour, words]) => [words, colour]);
const [bare, full] = [await spans(text), await spans(zero)];
console.log(bare, full);
assert.equal(bare[1][1], bare[0][1]);
assert.notEqual(full[1][1], full[0][1]);
JS
node reset.mjs
echo "as described"
