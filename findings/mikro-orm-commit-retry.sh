#!/usr/bin/env bash
# mikro-orm 6.6.16 (npm) writes nothing when a flush or transaction is run again whose COMMIT was refused.
#
# Expected: after Aurora DSQL's conflict (40001), which comes at COMMIT, the changes are still to be written: em.flush() again
#           sends the update again, and em.transactional() with the same function, the usual loop, does the same work.
# Seen:     both resolve at the second try and the row is as before. The changes count as saved from the UPDATE on, not from
#           the COMMIT: flush() sends nothing, and transactional() sends BEGIN and COMMIT, since the entity that was loaded
#           before already has the new value. A conflict at the UPDATE itself, which PostgreSQL has, is retried rightly.
#           The conflict is made by PGlite 0.5.14, PostgreSQL in the process, with a trigger that fires at the commit.
# So:       put em.fork() (or em.clear()) into the loop and load the entities anew at each try.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts -E @mikro-orm/core@6.6.16 @mikro-orm/postgresql@6.6.16 @mikro-orm/knex@6.6.16 @electric-sql/pglite@0.5.14 @electric-sql/pglite-socket@0.2.17
cat > retry.mjs <<'JS'
import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { EntitySchema, MikroORM } from '@mikro-orm/postgresql';

const db = await PGlite.create();
await db.exec(`
  create table account (id int primary key, balance int);
  insert into account values (1, 100);
  create sequence tries;
  create function refuse_once() returns trigger language plpgsql as $$ begin
    if nextval('tries') = 1 then
      raise exception 'change conflicts with another transaction, please retry: (OC000)' using errcode = '40001';
    end if;
    return new;
  end $$;`);
const late = 'create constraint trigger refuse after update on account deferrable initially deferred for each row execute function refuse_once()';
const early = 'create trigger refuse before update on account for each row execute function refuse_once()';
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0 });
const address = new Promise((resolve) => server.addEventListener('listening', (event) => resolve(event.detail)));
await server.start();
const { port } = await address;

const sent = [];
const orm = await MikroORM.init({
  entities: [new EntitySchema({ name: 'Account', tableName: 'account', properties: { id: { type: 'integer', primary: true }, balance: { type: 'integer' } } })],
  clientUrl: `postgres://postgres:x@127.0.0.1:${port}/postgres`, driverOptions: { connection: { ssl: false } }, pool: { min: 0, max: 1 },
  debug: ['query'], colors: false, logger: (line) => sent.push(line.replace(/^\[query\] (\w+).*/, '$1')),
});
const ways = {
  flush: (em, account) => { account.balance = 70; return em.flush(); },
  transactional: (em) => em.transactional(async (inner) => { (await inner.findOneOrFail('Account', 1)).balance = 70; }),
};
for (const [when, trigger] of Object.entries({ commit: late, update: early })) {
  for (const [name, write] of Object.entries(ways)) {
    await db.exec(`drop trigger if exists refuse on account; update account set balance = 100; select setval('tries', 1, false); ${trigger}`);
    const em = orm.em.fork();
    const account = await em.findOneOrFail('Account', 1);
    const first = await write(em, account).then(() => 'done', (error) => error.code);
    sent.length = 0;
    const second = await write(em, account).then(() => 'done', (error) => error.code);
    const [{ balance }] = (await db.query('select balance from account')).rows;
    console.log(`refused at the ${when}, ${name}():`, { first, second, sent: sent.join(' '), balance });
    assert.deepEqual([first, second], ['40001', 'done']);
    if (when === 'commit') {
      assert.equal(sent.join(' '), name === 'flush' ? '' : 'begin commit');
      assert.equal(balance, 100);
    } else {
      assert.equal(balance, 70);
    }
  }
}
process.exit(0);
JS
timeout 300 node retry.mjs
echo "as described"
