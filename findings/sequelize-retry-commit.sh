#!/usr/bin/env bash
# sequelize 6.37.8 (npm) with its `retry` option calls a transaction done whose COMMIT was refused.
#
# Expected: `retry: { match: [/OC000/] }`, set because Aurora DSQL reports a conflict (40001) at COMMIT, either runs the whole
#           transaction again or rejects, as sequelize does without the option.
# Seen:     the statement COMMIT alone is sent again. The transaction is over by then, so the server answers with a warning
#           and a success: the promise resolves, `finished` is "commit", the function ran once, and the row is as before.
#           The conflict is made by PGlite 0.5.14, PostgreSQL in the process, with a trigger that fires at the commit.
# So:       work is lost without an error wherever conflicts come at the end (DSQL, SERIALIZABLE, deferred constraints). Do
#           not match conflicts in `retry`; write the loop around sequelize.transaction().
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts sequelize@6.37.8 pg@8.23.1 @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > transfer.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { Sequelize } from 'sequelize';

const db = await PGlite.create();
await db.exec(`
  create table account (id int primary key, balance int);
  insert into account values (1, 100);
  create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'change conflicts with another transaction, please retry: (OC000)' using errcode = '40001';
  end $$;
  create constraint trigger refuse after update on account deferrable initially deferred
    for each row execute function refuse();`);
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const address = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await address;

const attempt = async (options) => {
  const sent = [];
  const sequelize = new Sequelize('postgres', 'postgres', 'x', {
    dialect: 'postgres', host: '127.0.0.1', port, pool: { max: 1 }, logging: (text) => sent.push(text), ...options });
  let calls = 0;
  const outcome = await sequelize.transaction(async (transaction) => {
    calls += 1;
    await sequelize.query('update account set balance = balance - 30 where id = 1', { transaction });
    return 'paid';
  }).catch((error) => error);
  const [[{ balance }]] = await sequelize.query('select balance from account where id = 1');
  await sequelize.close();
  return { outcome: outcome.original?.code ?? outcome, calls, balance, commits: sent.filter((text) => /: COMMIT;/.test(text)).length };
};
const plain = await attempt({});
const retried = await attempt({ retry: { match: [/OC000/], max: 5 } });
console.log('without retry:', plain);
console.log('with retry:   ', retried);
assert.deepEqual({ ...plain, commits: 0 }, { outcome: '40001', calls: 1, balance: 100, commits: 0 });
assert.deepEqual({ ...retried, commits: 0 }, { outcome: 'paid', calls: 1, balance: 100, commits: 0 });
process.exit(0);
JS
timeout 300 node transfer.mjs
echo "as described"
