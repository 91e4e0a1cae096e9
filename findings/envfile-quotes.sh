#!/usr/bin/env bash
# envfile 7.1.0 (npm) takes every quote out of a value, not only the pair around it.
# Seen on 2026-12-01.
#
# Expected: `A={"user":"x"}` and `A='{"user":"x"}'` are JSON, "it's" keeps its apostrophe, and parse(stringify(object)) is the object.
# Seen:     all ' and " of the value are dropped: {user:x} and its. stringify() writes them plainly, so its own file read back has lost them
#           as well, and a value of two lines comes back as the first. No error; values without quotes are right.
# So:       credentials or settings as JSON in a .env file are no JSON any more, in the other program. Write them in base64, or read and
#           write with dotenv 16.6.1.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts envfile@7.1.0 dotenv@16.6.1
cat > env.mjs <<'JS'
import assert from 'node:assert/strict';
import { parse, stringify } from 'envfile';
import dotenv from 'dotenv';
for (const [line, right, seen] of [
  ['A={"user":"x"}', '{"user":"x"}', '{user:x}'],
  [`A='{"user":"x"}'`, '{"user":"x"}', '{user:x}'],
  [`A="it's"`, "it's", 'its'],
  ['A=x=y', 'x=y', 'x=y'],
]) {
  console.log(line, parse(line).A, dotenv.parse(line).A);
  assert.equal(dotenv.parse(line).A, right);
  assert.equal(parse(line).A, seen);
}
for (const [value, seen] of [['{"user":"x"}', '{user:x}'], ["it's", 'its'], ['one\ntwo', 'one'], ['plain text', 'plain text']])
  assert.equal(parse(stringify({ A: value })).A, seen);
JS
node env.mjs
echo "as described"
