#!/usr/bin/env bash
# shellwords 1.1.1 and args-tokenizer 0.3.0 (npm, a command line into its words) take the backslashes out of single quotes.
# Seen on 2026-12-01.
#
# Expected: both read a line as the Bourne shell does, which is what they are for: between single quotes nothing is special, and
#           between double quotes a backslash stays before a letter. shlex 3.0.0 (npm) does that.
# Seen:     args-tokenizer drops each of them and shellwords the first of each word: grep -P '\d+' gets "d+", awk's "\t" becomes "t",
#           and sed 's/\//-/' is `s///-/`. No error. In double quotes shellwords leaves the second of two in: the name in
#           psql -c "select 'a' as \"b\"" is `"b\"`.
# So:       commands of a configuration or of a lesson run as others than the ones that were typed; split with shlex, or hand the line to
#           a shell.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts shellwords@1.1.1 args-tokenizer@0.3.0 shlex@3.0.0
cat > words.mjs <<'JS'
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as shellwords from 'shellwords';
import { tokenizeArgs } from 'args-tokenizer';
import * as shlex from 'shlex';
for (const [line, seen, seenToo] of [
  [String.raw`'\d+\.\d+'`, [String.raw`d+\.\d+`], ['d+.d+']],
  [String.raw`'{ print "a\tb" }'`, ['{ print "atb" }'], ['{ print "atb" }']],
  [String.raw`'s/\//-/'`, ['s///-/'], ['s///-/']],
  [String.raw`"x\ty"`, ['xty'], ['xty']],
  [String.raw`-c "select 'a' as \"b\""`, ['-c', String.raw`select 'a' as "b\"`], ['-c', `select 'a' as "b"`]],
]) {
  const sh = execFileSync('sh', ['-c', `for word in ${line}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' }).split('\0').slice(0, -1);
  const found = shellwords.split(line), too = tokenizeArgs(line);
  console.log(line, sh, found, too);
  assert.deepEqual(shlex.split(line), sh);
  assert.deepEqual(found, seen);
  assert.deepEqual(too, seenToo);
}
JS
node words.mjs
echo "as described"
