#!/usr/bin/env bash
# markdown-toc 1.2.0 and @effect/markdown-toc 0.1.0 (npm, a table of contents for a README) link to headings by names that GitHub does not give them.
# Seen on 2026-12-01.
#
# Expected: the link of "C# and F#" is #c-and-f, that of "Über uns" #über-uns and that of "100%" #100, as github-slugger 2.0.0, made after GitHub's rules, has
#           them: signs go, letters stay.
# Seen:     #c%23-and-f%23, #uber-uns and #100%25. Plain headings, repeated ones and "What's new?" are right.
# So:       links of a lesson's contents do nothing when clicked, for each heading in another language than English. Use doctoc, or leave such signs out.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts markdown-toc@1.2.0 @effect/markdown-toc@0.1.0 github-slugger@2.0.0
cat > links.mjs <<'JS'
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { slug } from 'github-slugger';
const require = createRequire(import.meta.url);
const other = require('@effect/markdown-toc');
for (const toc of [require('markdown-toc'), other.default ?? other]) {
  for (const [heading, seen, right] of [['C# and F#', 'c%23-and-f%23', 'c-and-f'], ['Über uns', 'uber-uns', 'über-uns'], ['100%', '100%25', '100'], ["What's new?", 'whats-new', 'whats-new']]) {
    const [, link] = /\(#(.*)\)$/.exec(toc(`## ${heading}\n`).content);
    console.log(heading, link, slug(heading));
    assert.equal(link, seen);
    assert.equal(slug(heading), right);
  }
}
JS
node links.mjs
echo "as described"
