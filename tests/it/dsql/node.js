// What a program on node-postgres does with its database, with AWS's signer for passwords. Run by node.rs.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { DsqlSigner } = require('@aws-sdk/dsql-signer');
const { Client, Pool, Query } = require('pg');

const { CLUSTER, PORT, CA_FILE } = process.env;
// Credentials and region come from the environment, as in a function.
const signer = new DsqlSigner({ hostname: CLUSTER });
const config = {
  host: '127.0.0.1',
  port: Number(PORT),
  user: 'admin',
  database: 'postgres',
  password: () => signer.getDbConnectAdminAuthToken(),
  ssl: { ca: fs.readFileSync(CA_FILE, 'utf8'), servername: CLUSTER },
};

async function refused(promise, code) {
  const error = await promise.then(() => assert.fail(`no ${code}`), (error) => error);
  assert.equal(error.code, code, error.message);
  return error;
}

async function trusted() {
  // A server whose certificate is for another name, or by nobody known, is not spoken to.
  const other = { ...config, ssl: { ...config.ssl, servername: 'example.org' } };
  await refused(new Client(other).connect(), 'ERR_TLS_CERT_ALTNAME_INVALID');
  const unknown = { ...config, ssl: { servername: CLUSTER } };
  const error = await new Client(unknown).connect().then(() => assert.fail('trusted'), (error) => error);
  assert.match(error.code, /ISSUER|SELF_SIGNED|VERIFY/);
}

async function values(client) {
  const { rows } = await client.query(
    'select $1::int a, $2::text b, $3::jsonb c, $4::bytea d, $5::bigint e, $6::int[] f, $7::text[] g, $8::timestamptz h, $9::bool i, $10::text j',
    [1, "it's \u00fc", { k: [1] }, Buffer.from([0, 255]), '9007199254740993', [1, 2, null], ['a,b', '"'], new Date(0), true, null],
  );
  assert.deepEqual(rows, [{
    a: 1, b: "it's \u00fc", c: { k: [1] }, d: Buffer.from([0, 255]), e: '9007199254740993',
    f: [1, 2, null], g: ['a,b', '"'], h: new Date(0), i: true, j: null,
  }]);
  const found = await client.query('select id from accounts where id = any($1) order by id', [[3, 1, 99]]);
  assert.deepEqual(found.rows.map((row) => row.id), [1, 3]);
  const several = await client.query('select 1 one; select 2 two');
  assert.deepEqual(several.map((result) => result.rows), [[{ one: 1 }], [{ two: 2 }]]);
  // A failed statement leaves the connection usable.
  const error = await refused(client.query('select $1::int', ['x']), '22P02');
  assert.equal(error.severity, 'ERROR');
}

async function named(client) {
  const read = { name: 'read', text: 'select balance from accounts where id = $1' };
  const add = { name: 'add', text: 'update accounts set balance = balance + $2 where id = $1 returning balance' };
  for (let n = 1; n <= 3; n += 1) {
    assert.deepEqual((await client.query({ ...add, values: [4, 1] })).rows, [{ balance: 100 + n }]);
    assert.deepEqual((await client.query({ ...read, values: [4] })).rows, [{ balance: 100 + n }]);
  }
  await refused(client.query({ ...add, values: [4, 'much'] }), '22P02');
  assert.deepEqual((await client.query({ ...read, values: [4] })).rows, [{ balance: 103 }]);
}

async function slices(client) {
  // Three rows at a time, through a portal.
  const rows = await new Promise((resolve, reject) => {
    const query = new Query({ text: 'select n from generate_series(1, $1::int) n', values: [10], rows: 3 });
    const seen = [];
    query.on('row', (row) => seen.push(row.n));
    query.on('end', () => resolve(seen));
    query.on('error', reject);
    client.query(query);
  });
  assert.deepEqual(rows, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await client.query('begin');
  await refused(client.query('declare c cursor for select id from accounts order by id'), '0A000');
  await client.query('rollback');
}

async function transfer(client, from, to, meanwhile = async () => {}) {
  try {
    await client.query('begin');
    const taken = await client.query('update accounts set balance = balance - $2 where id = $1 returning balance', [from, 10]);
    await meanwhile();
    await client.query({ name: 'give', text: 'update accounts set balance = balance + $2 where id = $1', values: [to, 10] });
    await client.query('commit');
    return taken.rows[0].balance;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function conflict(pool) {
  const [one, two] = [await pool.connect(), await pool.connect()];
  // The other is first to commit. No statement waits or fails before the COMMIT.
  const lost = await refused(transfer(one, 1, 2, () => transfer(two, 1, 3)), '40001');
  assert.match(lost.message, /OC000/);
  assert.equal(await transfer(one, 1, 2), 80);
  one.release();
  two.release();
}

async function crowd(pool) {
  // Ten at once on the same rows, each until it is through.
  await Promise.all(Array.from({ length: 10 }, async () => {
    for (;;) {
      const client = await pool.connect();
      try {
        return await transfer(client, 2, 3);
      } catch (error) {
        assert.equal(error.code, '40001', error.message);
      } finally {
        client.release();
      }
    }
  }));
  const { rows } = await pool.query('select id, balance from accounts order by id');
  assert.deepEqual(rows.map((row) => row.balance), [80, 10, 210, 103]);
}

(async () => {
  await trusted();
  const pool = new Pool({ ...config, max: 5 });
  const client = await pool.connect();
  await client.query('create table accounts (id int primary key, balance int not null)');
  await client.query('insert into accounts select n, 100 from generate_series(1, 4) n');
  await values(client);
  await named(client);
  await slices(client);
  client.release();
  await conflict(pool);
  await crowd(pool);
  await pool.end();
  console.log('all is well');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
