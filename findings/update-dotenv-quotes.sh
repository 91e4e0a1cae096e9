#!/usr/bin/env bash
# update-dotenv 1.1.1 (npm, writes a value into .env) changes the other values, too, and takes comments and `export` away.
# Seen on 2026-12-01.
#
# Expected: `updateDotenv({ KEY: 'b' })` sets KEY; dotenv reads the rest as before, and a value with a # in it is read as it was given.
# Seen:     the file is written anew, without quotes: TITLE="closes #12" is TITLE=closes #12, which dotenv 18.0.10 reads as "closes". So is the new
#           value: a password s3#cret is read back as "s3". Comments, blank lines and the word export, which a shell needs, are gone.
# So:       one run of a set-up script that stores a token shortens other secrets in the same file. Append the line yourself, in single quotes.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts update-dotenv@1.1.1 dotenv@18.0.10
printf '%s\n' '# of the shop' 'TITLE="closes #12"' 'export REGION=eu-west-1' > .env
cat > set.cjs <<'JS'
const assert = require('node:assert/strict'), fs = require('node:fs');
const update = require('update-dotenv'), dotenv = require('dotenv');
(async () => {
  const before = dotenv.parse(fs.readFileSync('.env'));
  await (update.default ?? update)({ PASSWORD: 's3#cret' });
  const text = fs.readFileSync('.env', 'utf8'), after = dotenv.parse(text);
  console.log(before, text, after);
  assert.equal(before.TITLE, 'closes #12');
  assert.equal(text.trim(), 'TITLE=closes #12\nREGION=eu-west-1\nPASSWORD=s3#cret');
  assert.deepEqual({ ...after }, { TITLE: 'closes', REGION: 'eu-west-1', PASSWORD: 's3' });
})();
JS
node set.cjs
echo "as described"
