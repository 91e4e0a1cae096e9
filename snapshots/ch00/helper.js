// Tests the deployed function, chapter by chapter:
//
//     node helper.js --test-chapter 1
//
// It sees what any caller of the function sees, and uses the region and credentials that the AWS CLI
// would use. It changes nothing but account balances, and can be run any number of times.
//
//     node helper.js --test-code 3
//
// looks at the code on disk alone, as it is after that chapter: with a stand-in for the database, so that
// what only goes wrong now and then goes wrong here.
// Exit code: 0 passed, 1 failed, 2 wrong use.

const path = require('node:path');

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

const STACK = 'ReinventDat401Stack';
const FUNCTION = 'reinvent-dat401';
const AMOUNT = 10;

const tests = [
  async function greets() {
    const { greeting } = await invoke({ name: 'DAT401' });
    expect(greeting === 'Hello DAT401!', `the greeting is ${show(greeting)}`);
    return `The function says: ${greeting}`;
  },

  async function connects() {
    const { greeting } = await invoke({ name: 'DAT401' });
    expect(/connected to DSQL/.test(greeting), `the greeting is ${show(greeting)}`);
    return `The function says: ${greeting}`;
  },

  async function connectsAsApplicationRole() {
    // The function cannot tell us its database role. Its permission can: with DbConnect alone,
    // nobody connects as admin.
    const statements = await dsqlStatements();
    const actions = statements.flatMap((statement) => statement.Action);
    expect(actions.includes('dsql:DbConnect'), `the deployed policy allows ${show(actions)}, not dsql:DbConnect`);
    expect(!actions.includes('dsql:DbConnectAdmin'), 'the deployed policy still allows dsql:DbConnectAdmin');
    const everywhere = statements.some((statement) => [statement.Resource].flat().includes('*'));
    expect(!everywhere, 'the deployed policy allows it on every cluster (Resource "*"), not on this one alone');
    return tests[1]();
  },

  async function transfers() {
    // There and back, again and again: after each payment an account must have what it had then.
    let [payer, payee] = [1, 2];
    let first;
    try {
      first = await transfer(payer, payee);
    } catch (error) {
      if (!/Insufficient balance/.test(error.message)) throw error;
      [payer, payee] = [payee, payer];
      first = await transfer(payer, payee);
    }
    const paid = [first];
    const returned = [];
    for (let round = 1; round <= 2; round++) {
      returned.push(await transfer(payee, payer));
      paid.push(await transfer(payer, payee));
    }
    expect(first >= 0, `the payer's balance is ${show(first)}`);
    expect(isConstant(paid), `account ${payer} got back all that it paid, and its balances differ: ${show(paid)}`);
    expect(isConstant(returned), `account ${payee} got all that it returned, and its balances differ: ${show(returned)}`);
    return `Payer balance after transfer: ${first}`;
  },

  async function survivesConflicts() {
    // Many at once on the same two accounts, there and back in equal numbers. Whoever meets a conflict here has
    // not been helped by the function, and gets no help from us.
    const rounds = 5;
    const { balance: before } = await invoke({ payer_id: 501, payee_id: 502, amount: 0 });
    for (let round = 1; round <= rounds; round++) {
      const there = Array.from({ length: 4 }, () => invoke({ payer_id: 501, payee_id: 502, amount: 1 }, 1));
      const back = Array.from({ length: 4 }, () => invoke({ payer_id: 502, payee_id: 501, amount: 1 }, 1));
      await Promise.all([...there, ...back]);
    }
    // An answer is a promise: what the function said was done must have been committed.
    const { balance: after } = await invoke({ payer_id: 501, payee_id: 502, amount: 0 });
    expect(after === before, `account 501 got back all that it paid, and has ${after} instead of ${before}: is COMMIT awaited?`);
    return `${rounds * 8} transfers between the same two accounts, 8 at a time: all of them done`;
  },

  async function records() {
    const { transfer_id: id } = await invoke({ payer_id: 501, payee_id: 502, amount: 0 });
    expect(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id), `the transfer's id is ${show(id)}`);
    return `Recorded as transfer ${id}`;
  },

  async function recordsBesideIndexes() {
    return tests[5]();
  },

  async function reconnects() {
    // Twice as many at once as before: each environment opens its own connections, and none is refused.
    const calls = Array.from({ length: 16 }, (_, i) => invoke({ payer_id: 601 + i, payee_id: 621 + i, amount: 0 }));
    const answers = await Promise.all(calls);
    expect(answers.every(({ balance }) => balance >= 0), `the balances are ${show(answers)}`);
    return `${answers.length} calls at once: none was refused a connection`;
  },

  async function movesMoneyOnce() {
    // The same request twice, as a client sends it that has not heard the answer.
    const transfer_id = require('node:crypto').randomUUID();
    const first = await invoke({ payer_id: 701, payee_id: 702, amount: 1, transfer_id });
    const second = await invoke({ payer_id: 701, payee_id: 702, amount: 1, transfer_id });
    await invoke({ payer_id: 702, payee_id: 701, amount: 1 });
    expect(first.repeated === false && second.repeated === true, `the answers say repeated: ${show([first.repeated, second.repeated])}`);
    expect(first.balance === second.balance, `the payer has ${first.balance}, then ${second.balance}: it paid twice`);
    return `Asked twice, moved once: transfer ${transfer_id}`;
  },
];

// What an error means in this course, and what comes next.
const explanations = [
  [/access denied/, 1, `Expected until the stack allows dsql:DbConnectAdmin: the chapter shows this refusal before it adds
   the permission. Once that is deployed it must be gone, on AWS perhaps after some seconds.`],
  [/access denied/, undefined, `The policy needs dsql:DbConnect, myapp needs AWS IAM GRANT with the LambdaRoleArn, and db.ts
   the user myapp with getDbConnectAuthToken().`],
  [/permission denied for table accounts/, undefined, `Expected before chapter 3's GRANT: chapter 2 granted on the tables that existed then, and accounts is newer.
   As admin: GRANT SELECT, UPDATE ON accounts TO myapp;`],
  [/(relation|table) "?transfers/, undefined, `The function records transfers: create the table, and GRANT SELECT, INSERT ON transfers TO myapp;`],
  [/relation "accounts" does not exist/, undefined, 'Create the accounts table first.'],
  [/OC000/, 4, `Expected until the function runs a transaction again that lost a conflict. Is it deployed?`],
  [/account not found/, undefined, 'Insert the 1000 accounts first.'],
  [/Function not found/, undefined, 'Deploy the stack first: cd cdk && npx cdk deploy'],
  [/does not exist/, 2, 'Deploy the stack first: cd cdk && npx cdk deploy'],
  [/Cannot find module/, undefined, 'Install the packages first: npm install'],
  [/Region is missing|credential/i, undefined, 'Set AWS_REGION and AWS credentials, as for the AWS CLI.'],
  [/ECONNREFUSED/, undefined, 'Nothing answers at AWS_ENDPOINT_URL. Is the sandbox running?'],
];

async function transfer(payer, payee) {
  const { balance } = await invoke({ payer_id: payer, payee_id: payee, amount: AMOUNT });
  return balance;
}

// Invokes the function. DSQL asks to run a transaction again (OC000: another one changed the same
// rows; OC001: the schema or a permission has changed), so that is done here, a few times.
async function invoke(payload, tries = 5) {
  const { InvokeCommand, LambdaClient } = require('@aws-sdk/client-lambda');
  const client = new LambdaClient();
  for (let attempt = 1; ; attempt++) {
    const answer = await client.send(
      new InvokeCommand({ FunctionName: FUNCTION, Payload: Buffer.from(JSON.stringify(payload)), LogType: 'Tail' }),
    );
    const body = JSON.parse(Buffer.from(answer.Payload).toString() || 'null');
    if (!answer.FunctionError) return body ?? {};

    const message = body?.errorMessage ?? show(body);
    const conflict = /\bOC00[01]\b/.exec(message)?.[0];
    if (!conflict || attempt >= tries) throw Object.assign(new Error(message), { hint: hintIn(answer.LogResult) });
    console.log(`   ${conflict}, a conflict that asks for another try: trying again`);
    await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
  }
}

// The database's HINT, which the runtime logs with the error but does not return.
function hintIn(logResult) {
  const log = Buffer.from(logResult ?? '', 'base64').toString();
  const hint = /"hint":("(?:[^"\\]|\\.)*")/.exec(log)?.[1];
  return hint && JSON.parse(hint);
}

// What the deployed stack's policies allow on DSQL.
async function dsqlStatements() {
  const { CloudFormationClient, GetTemplateCommand } = require('@aws-sdk/client-cloudformation');
  const { TemplateBody } = await new CloudFormationClient().send(new GetTemplateCommand({ StackName: STACK }));
  const { Resources } = JSON.parse(TemplateBody);
  return Object.values(Resources)
    .filter((resource) => resource.Type === 'AWS::IAM::Policy')
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
    .filter((statement) => statement.Effect === 'Allow')
    .filter((statement) => [statement.Action].flat().some((action) => /^(dsql:|\*)/.test(action)));
}

// The code on disk, chapter by chapter: what it must be from that chapter on.
const code = [
  [1, async function waitsForItsQuery() {
    if (chapterOnDisk >= 3) return;
    const database = standIn({ refuses: () => new Error('refused by the stand-in') });
    const failed = await fails(database, { name: 'DAT401' });
    expect(database.queries.length > 0, 'the handler sends no query');
    expect(failed, `the handler answers although ${show(database.queries[0])} failed: is it awaited?`);
  }],
  [1, async function signsForEachConnection() {
    const { password } = (await standIn().pool()) ?? {};
    expect(typeof password === 'function', 'the password is made once, and a token opens no connection after 15 minutes: give the pool a function');
    expect((await password()) !== (await password()), 'each connection gets the same token: sign inside the function');
  }],
  [1, async function keepsItsPool() {
    const database = standIn();
    await database.handler(TRANSFER);
    await database.handler(TRANSFER);
    expect(database.pools === 1, `two calls made ${database.pools} pools: keep one for all calls, outside the function`);
  }],
  [3, async function keepsATransactionTogether() {
    const database = standIn();
    const answer = await database.handler(TRANSFER);
    whole(database, /^(COMMIT|END)\b/i, 'COMMIT');
    expect(answer?.balance === database.balance, `the database says that the payer has ${database.balance}, and the handler answers ${show(answer)}`);
  }],
  [3, async function rollsBack() {
    for (const [why, database] of [
      ['an UPDATE fails', standIn({ refuses: (text) => /balance \+/.test(text) && new Error('refused by the stand-in') })],
      ['the balance is too small', standIn({ balance: -1 })],
    ]) {
      expect(await fails(database), `when ${why}, the caller does not hear of it: throw the error on`);
      expect(begun(database) <= 1, `when ${why}, it is tried again: an error that is no conflict will not get better`);
      whole(database, /^ROLLBACK\b/i, `ROLLBACK when ${why}`);
    }
  }],
  [4, async function runsAgain() {
    const conflict = Object.assign(new Error('change conflicts with another transaction (OC000)'), { code: '40001' });
    const meets = (error, times) => standIn({ refuses: (text) => /^(COMMIT|END)\b/i.test(text) && times-- > 0 && error });

    const once = meets(conflict, 1);
    expect(!(await fails(once)) && begun(once) === 2, 'a transaction that met a conflict (SQLSTATE 40001) is not run again from BEGIN');
    expect(once.released.length === once.clients, `its tries took ${once.clients} clients of the pool, and gave ${once.released.length} back`);
    expect(once.pauses.some((pause) => pause > 0), 'it is run again without a pause: those who have met meet again');
    const always = meets(conflict, MANY);
    expect((await fails(always)) && begun(always) < MANY, 'a transaction that always conflicts is run again for ever: give up after some tries');
    const wrapped = meets(new Error('Failed query', { cause: conflict }), 1);
    expect(!(await fails(wrapped)), 'a conflict that a library has wrapped is not seen: its code is in `cause`');
  }],
  [5, async function recordsInside() {
    const database = standIn();
    await database.handler(TRANSFER);
    expect(database.queries.some((text) => /^INSERT INTO transfers\b/i.test(text)), 'the transaction does not insert into transfers');
    whole(database, /^(COMMIT|END)\b/i, 'COMMIT');
  }],
  [7, async function letsGoInTime() {
    const { maxLifetimeSeconds: seconds } = (await standIn().pool()) ?? {};
    const kept = seconds ? `${seconds} seconds` : 'ever';
    expect(seconds > 0 && seconds < 3600, `connections are kept for ${kept}, and the service ends them after 3600: maxLifetimeSeconds`);
  }],
  [7, async function dropsWhatIsBroken() {
    const gone = standIn({ refuses: (text) => /balance \+|^ROLLBACK/i.test(text) && new Error(`${text}: connection lost`) });
    await fails(gone);
    expect(gone.released[0] instanceof Error || gone.released[0] === true, 'when ROLLBACK fails, the pool gets the broken connection back: release(error) drops it');
    const good = standIn();
    await good.handler(TRANSFER);
    expect(!good.released[0], 'a connection that is in order is dropped: release() gives it back');
  }],
  [8, async function movesMoneyOnce() {
    const database = standIn({ taken: true });
    const event = { ...TRANSFER, transfer_id: '00000000-0000-4000-8000-000000000000' };
    const answer = await database.handler(event).catch((error) => error.message);
    expect(answer?.repeated === true, `the key was taken, and the answer does not say repeated: ${show(answer)}`);
    expect(!database.queries.some((text) => /^UPDATE\b/i.test(text)), 'money moves before it is known whether the key was taken');
    whole(database, /^(ROLLBACK|COMMIT|END)\b/i, 'the end of the transaction when the key is taken');
  }],
];
const TRANSFER = { payer_id: 1, payee_id: 2, amount: 10 };
const MANY = 200;
let chapterOnDisk;

// One client, from BEGIN to the end, and back to the pool.
function whole({ queries, clients, released, onPool, early, pending }, end, what) {
  expect(onPool.length === 0 && clients === 1, `a transaction lives on one client of the pool: ${clients} were taken, and ${onPool.length} queries went to the pool itself`);
  expect(/^(BEGIN|START TRANSACTION)\b/i.test(queries[0]), `the first statement is ${show(queries[0])}, not BEGIN`);
  expect(early.length === 0 && pending() === 0, `${show(early[0] ?? queries.at(-1))} is not awaited`);
  expect(end.test(queries.at(-1)), `the last statement is ${show(queries.at(-1))}, not ${what}`);
  expect(released.length === 1, `the client was released ${released.length} times, not once: release it in finally`);
}

function begun({ queries }) {
  return queries.filter((text) => /^(BEGIN|START TRANSACTION)\b/i.test(text)).length;
}

function fails(database, event = TRANSFER) {
  return database.handler(event).then(() => false, () => true);
}

// The function as it is on disk, with a stand-in for the database that remembers what it was asked.
function standIn({ refuses = () => undefined, balance = 50, taken = false } = {}) {
  let pending = 0;
  let tokens = 0;
  let options;
  const seen = { balance, queries: [], onPool: [], released: [], early: [], pauses: [], clients: 0, pools: 0, pending: () => pending };
  const query = async (asked) => {
    const text = (asked.text ?? asked).trim();
    if (pending > 0) seen.early.push(seen.queries.at(-1));
    seen.queries.push(text);
    pending++;
    await new Promise(setImmediate);
    pending--;
    const error = refuses(text);
    if (error) throw error;
    const none = taken && /^INSERT\b/i.test(text);
    return { rows: none ? [] : [{ balance, id: '00000000-0000-4000-8000-000000000000' }], rowCount: none ? 0 : 1 };
  };
  class Pool {
    constructor(given) {
      options = given;
      seen.pools++;
    }
    on() {}
    async connect() {
      seen.clients++;
      return { query, release: (error) => seen.released.push(error) };
    }
    query(asked) {
      seen.onPool.push(asked);
      return query(asked);
    }
  }
  class DsqlSigner {
    async getDbConnectAuthToken() {
      return `token ${++tokens}`;
    }
    async getDbConnectAdminAuthToken() {
      return `token ${++tokens}`;
    }
  }
  const stubs = { pg: { Pool }, '@aws-sdk/dsql-signer': { DsqlSigner } };
  const sleep = (next, milliseconds) => seen.pauses.push(milliseconds) && setImmediate(next);
  let loaded;
  seen.handler = async (event) => (loaded ??= onDisk('index.ts', stubs, sleep)).handler(event);
  seen.pool = async () => (await onDisk('db.ts', stubs, sleep).getPool(), options);
  return seen;
}

// A module of the function, bundled as the CDK bundles it.
function onDisk(file, stubs, sleep) {
  const { outputFiles } = require('esbuild').buildSync({
    entryPoints: [path.join(__dirname, 'lambda/src', file)],
    bundle: true,
    platform: 'node',
    external: Object.keys(stubs),
    write: false,
    logLevel: 'silent',
  });
  const module = { exports: {} };
  const run = new Function('module', 'exports', 'require', 'setTimeout', outputFiles[0].text);
  run(module, module.exports, (name) => stubs[name] ?? require(name), sleep);
  return module.exports;
}

// Opens so many connections, one after the other, each with a token of its own, as a function without a pool does.
async function connectEachTime(count) {
  const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
  const { DsqlSigner } = require('@aws-sdk/dsql-signer');
  const { Client } = require('pg');
  const cloudFormation = new CloudFormationClient();
  const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: STACK }));
  const host = Stacks[0].Outputs.find(({ OutputKey }) => OutputKey === 'ClusterEndpoint').OutputValue;
  const signer = new DsqlSigner({ hostname: host, region: await cloudFormation.config.region() });
  const refused = [];
  for (let i = 0; i < count; i++) {
    const password = await signer.getDbConnectAdminAuthToken();
    const client = new Client({ host, user: 'admin', database: 'postgres', password, ssl: true });
    client.on('error', () => {});
    await client.connect().then(() => client.end(), (error) => refused.push(error));
  }
  const why = refused.length ? `: ${refused[0].code} ${refused[0].message}` : '';
  console.log(`${count - refused.length} connections were let in, ${refused.length} were refused${why}`);
  return 0;
}

async function testCode() {
  for (const [chapter, holds] of code) {
    if (chapter <= chapterOnDisk) await holds();
  }
  return 'The code on disk keeps what it promises';
}

function expect(condition, otherwise) {
  if (!condition) throw new Error(otherwise);
}

function isConstant(values) {
  return values.every((value) => value === values[0]);
}

function show(value) {
  return JSON.stringify(value) ?? String(value);
}

async function main() {
  const [option, value, ...rest] = process.argv.slice(2);
  const chapter = /^\d+$/.test(value ?? '') ? Number(value) : -1;
  if (option === '--connect' && chapter > 0 && chapter <= 2000 && rest.length === 0) return connectEachTime(chapter);
  const test = { '--test-chapter': tests[chapter], '--test-code': tests[chapter] && testCode }[option];
  if (!test || rest.length > 0) {
    console.error(`Usage: node helper.js --test-chapter N    (N is 0 to ${tests.length - 1}; --test-code N: the code on disk alone; --connect N: N connections)`);
    return 2;
  }
  const what = option.slice('--test-'.length).replace('chapter', 'test');
  chapterOnDisk = chapter;
  try {
    const result = await test();
    console.log(`✅ Chapter ${chapter} ${what} PASSED\n   ${result}`);
    return 0;
  } catch (error) {
    // esbuild tells the first line of what is wrong in its list
    const [first] = error.errors ?? [];
    const place = first?.location ? `${first.location.file}:${first.location.line}: ` : '';
    const message = first?.text ? place + first.text : error.message || String(first ?? error);
    console.error(`❌ Chapter ${chapter} ${what} FAILED: ${message.split('\n')[0]}`);
    if (error.hint) console.error(`   HINT: ${error.hint}`);
    const known = explanations.find(([pattern, only]) => pattern.test(message) && (only ?? chapter) === chapter);
    if (known) console.error(`   ${known[2]}`);
    return 1;
  }
}

main().then((code) => (process.exitCode = code));
