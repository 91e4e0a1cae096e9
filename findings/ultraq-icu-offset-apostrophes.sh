#!/usr/bin/env bash
# @ultraq/icu-message-formatter 0.15.2 (npm, ICU messages) counts the offset of a plural twice over and prints ICU's apostrophes.
# Seen on 2026-12-01.
#
# Expected: "=1" is the number given, and only # is less by the offset: for 1 of "offset:1 =0 {nobody} =1 {you} …" it says "you". An apostrophe quotes, two are
#           one, and 1.5 is "other" in English, as intl-messageformat 10.7.16 has them.
# Seen:     "nobody" for 1. '{a}' is filled in with the apostrophes around it, it''s keeps both, and 1.5 is "one".
# So:       texts of translators who keep to ICU are wrong on the page without an error. Use intl-messageformat, or leave offsets and apostrophes out.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @ultraq/icu-message-formatter@0.15.2 intl-messageformat@10.7.16
cat > look.mjs <<'JS'
import assert from 'node:assert/strict';
import { MessageFormatter, pluralTypeHandler } from '@ultraq/icu-message-formatter';
import { IntlMessageFormat } from 'intl-messageformat';
const formatter = new MessageFormatter('en', { plural: pluralTypeHandler });
const guests = '{n, plural, offset:1 =0 {nobody} =1 {you} one {you and # other} other {you and # others}}';
for (const [message, values, seen, peer] of [[guests, { n: 3 }, 'you and 2 others', 'you and 2 others'], [guests, { n: 1 }, 'nobody', 'you'],
  ["'{a}' {a}", { a: 'x' }, "'x' x", '{a} x'], ["it''s {a}", { a: 'x' }, "it''s x", "it's x"], ['{n, plural, one {one day} other {# days}}', { n: 1.5 }, 'one day', '1.5 days']]) {
  const told = [formatter.format(message, values), new IntlMessageFormat(message, 'en').format(values)];
  console.log(message, JSON.stringify(values), told);
  assert.deepEqual(told, [seen, peer]);
}
JS
node look.mjs
echo "as described"
