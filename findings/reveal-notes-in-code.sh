#!/usr/bin/env bash
# reveal.js 5.1.0 (npm, its Markdown plugin, which reveal-md 6.1.4 puts to use) cuts a code block at a line that begins with "notes:".
# Seen on 2026-12-01.
#
# Expected: a paragraph `Note: …` begins the notes for the speaker; a line in a fenced code block is code, whatever it is: YAML has keys
#           like `notes:` and `note:`.
# Seen:     everything from that line on is taken out of the slide and put into the notes: the block ends before it and its fence is not
#           closed, and the rest of the slide is in the notes as well, turned about: code as text, text as code. The key itself is gone.
#           `Note:` in the output of a command does the same. Two such lines on one slide, and nothing is cut.
# So:       the audience sees half a file, and the speaker the other half. Set `separator-notes` (reveal-md's front matter: notesSeparator)
#           to a mark of your own, such as "^\?\?\?$", or quote the key: `"notes":`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts reveal.js@5.1.0
cat > slides.cjs <<'JS'
const assert = require('node:assert/strict');
const module_ = require('reveal.js/plugin/markdown/markdown.js');
const plugin = (module_.default ?? module_)();
// The separators are those of reveal-md's defaults.
const slide = (text, more) => plugin.slidify(text, { separator: '\\r?\\n---\\r?\\n', verticalSeparator: '\\r?\\n----\\r?\\n', ...more });
const file = (key) => `# A lesson\n\n\`\`\`yaml\ntitle: One\n${key}: for the teacher\nsteps:\n  - run: ls\n\`\`\`\n\nSave it.\n`;
const output = '# Run it\n\n```sh\n$ psql --version\nNote: an old version\n```\n\nGo on.\n';
const parts = (html) => { const [, shown, notes] = html.match(/<script type="text\/template">([^]*?)(?:<aside class="notes">([^]*)<\/aside>)?<\/script>/); return { shown: shown.trim(), notes }; };
for (const text of [file('remarks'), file('notes'), output]) console.log(parts(slide(text)));
assert.deepEqual(parts(slide(file('remarks'))), { shown: file('remarks').trim(), notes: undefined });
for (const key of ['notes', 'note']) {
  const { shown, notes } = parts(slide(file(key)));
  assert.equal(shown, '# A lesson\n\n```yaml\ntitle: One');
  assert.match(notes, /^<p>for the teacher\nsteps:<\/p>[^]*<pre><code>\s*Save it\./);
}
assert.equal(parts(slide(output)).shown, '# Run it\n\n```sh\n$ psql --version');
for (const text of [file('"notes"'), file('notes')]) assert.equal(parts(slide(text, { notesSeparator: '^\\?\\?\\?$' })).notes, undefined);
assert.equal(parts(slide(file('notes').replace('steps:', 'note: two\nsteps:'))).notes, undefined);
JS
node slides.cjs
echo "as described"
