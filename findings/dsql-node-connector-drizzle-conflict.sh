#!/usr/bin/env bash
# @aws/aurora-dsql-node-postgres-connector 0.1.9 (npm) does not know a conflict that drizzle-orm 0.45.1 hands on.
#
# Expected: isOCCError(), exported to write one's own retries, looks through an error's `cause`, or drizzle-orm hands
#           the driver's error on as it is.
# Seen:     drizzle throws a DrizzleQueryError, "Failed query: …", whose cause is the database's error. It has no
#           `code`, which isOCCError() asks for: true for the cause, false for what the caller catches.
# So:       a retry around drizzle's calls never happens; ask isOCCError(error.cause ?? error).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @aws/aurora-dsql-node-postgres-connector@0.1.9 pg@8.23.1 drizzle-orm@0.45.1
cat > conflict.mjs <<'JS'
import assert from 'node:assert/strict';
import pg from 'pg';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { isOCCError } from '@aws/aurora-dsql-node-postgres-connector';

const text = 'change conflicts with another transaction, please retry: (OC000)';
const conflict = Object.assign(new pg.DatabaseError(text, text.length, 'error'), { code: '40001' });
const client = { query: async () => { throw conflict; } };
const caught = await drizzle({ client }).execute(sql`update account set balance = balance - 1`).catch((error) => error);
console.log(`${caught.constructor.name}: ${isOCCError(caught)}, its cause: ${isOCCError(caught.cause)}`);
assert.equal(caught.constructor.name, 'DrizzleQueryError');
assert.equal(caught.cause, conflict);
assert.equal(isOCCError(conflict), true);
assert.equal(isOCCError(caught), false);
JS
node conflict.mjs
echo "as described"
