#!/usr/bin/env bash
# @slidev/parser 52.20.1 (npm) breaks a slide apart inside a code block that is fenced with tildes.
# Seen on 2026-11-30.
#
# Expected: `---` in a code block is code, whether the fence is ``` or ~~~ (both are CommonMark's).
# Seen:     with ``` it is. With ~~~ the slide ends at the first `---` of the block, and a block of YAML's documents gets worse: what
#           stands between two `---` becomes the next slide's settings (here `layout`) and is shown nowhere. Three slides out
#           of two, no warning.
# So:       fence code with backticks, four or more where it holds three.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @slidev/parser@52.20.1
cat > fence.mjs <<'JS'
import assert from 'node:assert/strict';
import { parse } from '@slidev/parser';
const slides = async (fence) => (await parse(`# One\n\n${fence}yaml\n---\nlayout: cover\n---\n${fence}\n\n---\n\n# Two\n`, 'talk.md')).slides
  .map(({ content, frontmatter }) => ({ content, ...frontmatter }));
const ticks = await slides('```'), tildes = await slides('~~~');
console.log(ticks, tildes);
assert.deepEqual(ticks.map((slide) => slide.content), ['# One\n\n```yaml\n---\nlayout: cover\n---\n```', '# Two']);
assert.deepEqual(tildes, [{ content: '# One\n\n~~~yaml' }, { content: '~~~', layout: 'cover' }, { content: '# Two' }]);
JS
node fence.mjs
echo "as described"
