#!/usr/bin/env bash
# ts-retry-promise 0.8.1 (npm) raises the delay to the power of the attempt with its backoff "EXPONENTIAL".
# Seen on 2026-12-01.
#
# Expected: with `delay: 20` the pauses grow by a factor, as 20, 40, 80 ms, which is what exponential backoff doubles everywhere else, and
#           with `delay: 1` they grow too.
# Seen:     they are 20, 20² = 400 and 20³ = 8000 ms: with the usual `delay: 100` 0.1 s, 10 s and then 300 s, which is `maxBackOff`; the
#           third retry is already past its own `timeout` of 60 s. With `delay: 1` all pauses are 1 ms. There is one more pause, the
#           longest, after the last attempt has failed. Its page does not say how it grows.
# So:       an optimistic transaction that meets three conflicts fails by time-out. Hand over a function:
#           backoff: (attempt, delay) => delay * 2 ** (attempt - 1).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ts-retry-promise@0.8.1
cat > pauses.mjs <<'JS'
import assert from 'node:assert/strict';
import { retry } from 'ts-retry-promise';
// Time is not waited for: each pause is noted and ends at once.
const real = globalThis.setTimeout;
const pauses = async (settings) => {
  const seen = [];
  globalThis.setTimeout = (go, ms, ...rest) => ms === 1e9 ? real(go, 2 ** 30).unref() : (seen.push(ms), real(go, 0, ...rest));
  await retry(async () => { throw new Error('conflict'); }, { timeout: 1e9, ...settings }).catch(() => {});
  globalThis.setTimeout = real;
  console.log(JSON.stringify(settings), seen.join(' '));
  return seen;
};
assert.deepEqual(await pauses({ retries: 3, delay: 20, backoff: 'EXPONENTIAL' }), [20, 400, 8000, 160000]);
assert.deepEqual(await pauses({ retries: 3, delay: 100, backoff: 'EXPONENTIAL' }), [100, 10000, 300000, 300000]);
assert.deepEqual(await pauses({ retries: 3, delay: 1, backoff: 'EXPONENTIAL' }), [1, 1, 1, 1]);
assert.deepEqual(await pauses({ retries: 3, delay: 20, backoff: (attempt, delay) => delay * 2 ** (attempt - 1) }), [20, 40, 80, 160]);
process.exit(0);
JS
node pauses.mjs
echo "as described"
