#!/usr/bin/env bash
# i18next-conv 16.0.0, gettext-converter 1.3.4 and gettext-to-messageformat 0.4.0 (npm) take translations that are marked as guesses.
# Seen on 2026-12-01.
#
# Expected: an entry with `#, fuzzy` is msgmerge's guess from a similar text, to be looked at; msgfmt leaves it out, and users see the original. po2json
#           0.4.5 does the same, unless asked.
# Seen:     all three put it into their JSON as any other: after "Delete all" came to be beside "Delete", users press a button that says the other.
#           gettext-converter keeps the flag beside it, the other two do not.
# So:       run `msgattrib --no-fuzzy` over the file before it is converted.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts i18next-conv@16.0.0 gettext-converter@1.3.4 gettext-to-messageformat@0.4.0 po2json@0.4.5
cat > convert.mjs <<'JS'
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { gettextToI18next } from 'i18next-conv';
import * as converter from 'gettext-converter';
const require = createRequire(import.meta.url);
const po = ['msgid ""', 'msgstr ""', '"Language: de\\n"', '"Content-Type: text/plain; charset=utf-8\\n"', '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"', '',
  'msgid "Delete"', 'msgstr "Löschen"', '', '#, fuzzy', 'msgid "Delete all"', 'msgstr "Löschen"', ''].join('\n');
const first = JSON.parse(await gettextToI18next('de', po));
const second = (converter.po2js ?? converter.default.po2js)(po).translations['']['Delete all'];
const third = require('gettext-to-messageformat').parsePo(po).translations['Delete all'];
const careful = require('po2json').parse(po);
console.log(first, second, third, Object.keys(careful));
assert.deepEqual(first, { Delete: 'Löschen', 'Delete all': 'Löschen' });
assert.deepEqual([second.msgstr, third], [['Löschen'], 'Löschen']);
assert.deepEqual(Object.keys(careful), ['', 'Delete']);
JS
node convert.mjs
echo "as described"
