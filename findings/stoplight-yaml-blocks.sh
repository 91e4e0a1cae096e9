#!/usr/bin/env bash
# @stoplight/yaml 4.3.0 and yaml-ast-parser 0.0.43 (npm; Spectral, RAML and OpenAPI tools read YAML with them) change blocks of text.
# Seen on 2026-12-01.
#
# Expected: `|+` keeps every blank line at the end, and `|2` says how deep the text is indented, no more: as js-yaml 4.1.0 and yaml 2.8.1 read it.
# Seen:     one blank line of those that are kept is lost, and a text with `|2` has a newline in front that nobody wrote. No diagnostic.
# So:       a script whose first line is "#!/bin/sh" does not begin with it any more, and a value that is checked against a hash or compared with
#           another reader's differs. Write such texts without the two marks, as a string in quotes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @stoplight/yaml@4.3.0 yaml-ast-parser@0.0.43 js-yaml@4.1.0 yaml@2.8.1
cat > read.cjs <<'JS'
const assert = require('node:assert/strict');
const { parseWithPointers } = require('@stoplight/yaml'), ast = require('yaml-ast-parser'), other = require('js-yaml'), third = require('yaml');
const kept = 'a: |+\n  x\n\n\nb: 1\n', deep = 'a: |2\n    indented\n   less\n', plain = 'a: |\n  x\n';
const read = (text) => {
  const { data, diagnostics } = parseWithPointers(text);
  assert.deepEqual(diagnostics, []);
  return [data.a, ast.load(text).mappings[0].value.value, other.load(text).a, third.parse(text).a];
};
const seen = [kept, deep, plain].map(read);
console.log(seen);
assert.deepEqual(seen[0], ['x\n\n', 'x\n\n', 'x\n\n\n', 'x\n\n\n']);
assert.deepEqual(seen[1], ['\n  indented\n less\n', '\n  indented\n less\n', '  indented\n less\n', '  indented\n less\n']);
assert.deepEqual(new Set(seen[2]), new Set(['x\n']));
JS
node read.cjs
echo "as described"
