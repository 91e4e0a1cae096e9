#!/usr/bin/env bash
# knex 3.3.0 (npm) resolves `await trx.commit()` when the server has refused the COMMIT.
#
# Expected: a transaction that is taken in hand, `const trx = await knex.transaction()`, rejects at `await trx.commit()` with the
#           server's error when the COMMIT fails, which is where Aurora DSQL reports a conflict (40001); or, where that promise does
#           not carry it, Node.js speaks of an unhandled rejection.
# Seen:     neither. commit() resolves, isCompleted() is true, nothing is unhandled, and the row is as before. The error is in
#           trx.executionPromise alone, which knex keeps quiet when nobody looks. knex.transaction(async trx => …) rejects as it should.
#           The conflict is made by PGlite 0.5.14, PostgreSQL in the process, with a trigger that fires at the commit.
# So:       work is lost without an error, and no loop for retries ever starts (DSQL, SERIALIZABLE, deferred constraints). Use the
#           form with a function, or `await Promise.all([trx.commit(), trx.executionPromise])`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts knex@3.3.0 pg@8.23.1 @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > transfer.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import knexOf from 'knex';

const db = await PGlite.create();
await db.exec(`
  create table account (id int primary key, balance int);
  insert into account values (1, 100);
  create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'the data was changed by another transaction (OC000)' using errcode = '40001';
  end $$;
  create constraint trigger refuse after update on account deferrable initially deferred
    for each row execute function refuse();`);
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const listening = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await listening;
let unhandled = 0;
process.on('unhandledRejection', () => { unhandled += 1; });

const knex = knexOf({ client: 'pg', pool: { min: 0, max: 1 },
  connection: { host: '127.0.0.1', port, user: 'postgres', password: 'x', database: 'postgres' } });
const pay = (trx) => trx('account').where({ id: 1 }).decrement('balance', 30);
const settle = (promise) => promise.then(() => 'resolved', (error) => error.code);

const inHand = await knex.transaction();
await pay(inHand);
const committed = await settle(inHand.commit());
await new Promise((resolve) => setTimeout(resolve, 300));
console.log('await trx.commit():      ', committed, '- completed:', inHand.isCompleted(), '- unhandled rejections:', unhandled);
const [{ balance }] = await knex('account').select('balance');
console.log('balance after it:        ', balance, '(100 - 30 was to be stored)');

const watched = await knex.transaction();
await pay(watched);
const both = await settle(Promise.all([watched.commit(), watched.executionPromise]));
console.log('with executionPromise:   ', both);
const inFunction = await settle(knex.transaction(async (trx) => { await pay(trx); }));
console.log('knex.transaction(async …):', inFunction);

assert.deepEqual([committed, inHand.isCompleted(), unhandled, balance], ['resolved', true, 0, 100]);
assert.deepEqual([both, inFunction], ['40001', '40001']);
process.exit(0);
JS
timeout 300 node transfer.mjs
echo "as described"
