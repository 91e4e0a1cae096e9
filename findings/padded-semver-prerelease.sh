#!/usr/bin/env bash
# padded-semver 2.0.5 (npm, versions as texts that sort as versions do, for keys of a database) gives all release candidates one key.
# Seen on 2026-12-01.
#
# Expected: 1.0.0-rc.1, -rc.2 and -rc.10 have keys of their own, in this order, and unpad() gives the version back.
# Seen:     the key ends with the first word: all three, and 1.0.0-rc, are "0001!0000!0000!0000!_rc", and unpad() makes "1.0.0rc" of it, which is no
#           version. The order of alpha, beta and the release is right.
# So:       the second candidate overwrites the first in a store that goes by the key. Take versions without a number behind the word, or keep the
#           version itself in the key's tail.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts padded-semver@2.0.5
cat > pad.cjs <<'JS'
const assert = require('node:assert/strict');
const { pad, unpad } = require('padded-semver');
const keys = ['1.0.0-rc.1', '1.0.0-rc.2', '1.0.0-rc.10', '1.0.0-rc'].map(pad);
console.log(keys, unpad(keys[0]));
assert.deepEqual([...new Set(keys)], ['0001!0000!0000!0000!_rc']);
assert.equal(unpad(keys[0]), '1.0.0rc');
assert.equal(unpad(pad('1.10.0')), '1.10.0');
const order = ['1.0.0-alpha', '1.0.0-beta', '1.0.0', '1.2.0', '1.10.0'];
assert.deepEqual(order.map(pad).sort().map(unpad), ['1.0.0alpha', '1.0.0beta', '1.0.0', '1.2.0', '1.10.0']);
JS
node pad.cjs
echo "as described"
