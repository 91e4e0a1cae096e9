#!/usr/bin/env bash
# @aws/aurora-dsql-node-postgres-connector 0.1.9 (npm) writes the first cluster's region into the caller's settings.
#
# Expected: `new AuroraDSQLClient(settings)` only reads its argument, as pg's own Client does, and each host without a
#           region beside it is signed for the region in its name.
# Seen:     the object has a `region` afterwards. Spread with the host of the other cluster of a multi-region pair it
#           carries the first one's region along, and the token for us-east-2 is signed for us-east-1. A frozen object is
#           a TypeError.
# So:       make the settings anew for each client or pool (a function that returns them), or always name the region.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @aws/aurora-dsql-node-postgres-connector@0.1.9 pg@8.23.1
cat > clients.mjs <<'JS'
import assert from 'node:assert/strict';
import net from 'node:net';
import pg from 'pg';
import { AuroraDSQLClient, AuroraDSQLPool } from '@aws/aurora-dsql-node-postgres-connector';

// A token needs no network; the socket that it would be sent through fails at once.
const stream = () => Object.assign(new net.Socket(), { connect() { this.destroy(new Error('offline')); } });
async function signedFor(settings) {
  const client = new AuroraDSQLClient({ ...settings, stream });
  client.on('error', () => {});
  await client.connect().catch(() => {});
  return decodeURIComponent(client.password).match(/X-Amz-Credential=[^/]+\/\d+\/([^/]+)\/dsql/)[1];
}
const east1 = { user: 'admin', host: 'abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws' };
const host = 'zyxwvutsrqponmlkjihgfedcba.dsql.us-east-2.on.aws';

assert.equal(await signedFor({ ...east1, host }), 'us-east-2');
new pg.Client(east1);
assert.deepEqual(Object.keys(east1), ['user', 'host']);
assert.throws(() => new AuroraDSQLClient(Object.freeze({ ...east1 })), TypeError);
const forPool = { ...east1 };
new AuroraDSQLPool(forPool);
new AuroraDSQLClient(east1);
console.log(east1, forPool);
assert.equal(east1.region, 'us-east-1');
assert.equal(forPool.region, 'us-east-1');
const region = await signedFor({ ...east1, host });
console.log(`token for ${host}: signed for ${region}`);
assert.equal(region, 'us-east-1');
process.exit(0);
JS
AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example timeout 60 node clients.mjs
echo "as described"
