// Tests the deployed function, chapter by chapter:
//
//     node helper.js --test-chapter 1
//
// It sees what any caller of the function sees, and uses the region and credentials that the AWS CLI
// would use. It changes nothing but account balances, and can be run any number of times.
// Exit code: 0 passed, 1 failed, 2 wrong use.

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
    const actions = await dsqlActions();
    expect(actions.includes('dsql:DbConnect'), `the deployed policy allows ${show(actions)}, not dsql:DbConnect`);
    expect(!actions.includes('dsql:DbConnectAdmin'), 'the deployed policy still allows dsql:DbConnectAdmin');
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

// The DSQL actions that the deployed stack's policies allow.
async function dsqlActions() {
  const { CloudFormationClient, GetTemplateCommand } = require('@aws-sdk/client-cloudformation');
  const { TemplateBody } = await new CloudFormationClient().send(new GetTemplateCommand({ StackName: STACK }));
  const { Resources } = JSON.parse(TemplateBody);
  return Object.values(Resources)
    .filter((resource) => resource.Type === 'AWS::IAM::Policy')
    .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
    .filter((statement) => statement.Effect === 'Allow')
    .flatMap((statement) => statement.Action)
    .filter((action) => action.startsWith('dsql:'));
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
  const test = /^\d+$/.test(value ?? '') ? tests[Number(value)] : undefined;
  if (option !== '--test-chapter' || !test || rest.length > 0) {
    console.error(`Usage: node helper.js --test-chapter N    (N is 0 to ${tests.length - 1})`);
    return 2;
  }
  const chapter = Number(value);
  try {
    const result = await test();
    console.log(`✅ Chapter ${chapter} test PASSED\n   ${result}`);
    return 0;
  } catch (error) {
    const message = error.message || String(error.errors?.[0] ?? error);
    console.error(`❌ Chapter ${chapter} test FAILED: ${message.split('\n')[0]}`);
    if (error.hint) console.error(`   HINT: ${error.hint}`);
    const known = explanations.find(([pattern, only]) => pattern.test(message) && (only ?? chapter) === chapter);
    if (known) console.error(`   ${known[2]}`);
    return 1;
  }
}

main().then((code) => (process.exitCode = code));
