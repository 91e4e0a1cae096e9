// Runs functions under the sandbox's Node.js runtime and under AWS's own (npm aws-lambda-ric), and compares what a
// caller of Lambda would see: what is posted to the Runtime API, what is logged, how the process ends.
//
//   node beside-aws.mjs NODE OURS AWS RUNTIME [CASE]
//
// NODE runs the functions, OURS is the directory of bootstrap.mjs, AWS that of the unpacked package, RUNTIME is
// nodejs20.x, nodejs22.x or nodejs24.x. AWS's package has a native client for the Runtime API; a small one in JavaScript
// stands in for it, which blocks as it does.

import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

const [node, oursGiven, awsGiven, runtime, only] = process.argv.slice(2);
const [ours, aws] = [oursGiven, awsGiven].map((dir) => path.resolve(dir));
const major = Number(/\d+/.exec(runtime));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "workshop-beside-aws-"));

// -- what is run: files, handler, events, environment

const js = (code) => ({ "index.js": code });
const esm = (code) => ({ "index.mjs": code });
const refused = "class Refused extends Error { constructor(m) { super(m); this.name = 'Refused'; this.code = '42501'; } }";
const CASES = {
  "async answer": { files: js("exports.handler = async (e) => ({ got: e });"), events: [{ a: 1 }, [], null, "text", 5] },
  "module answer": { files: esm("export const handler = async (e) => e;") },
  "type module": {
    files: { "package.json": '{"type":"module"}', "index.js": "export const handler = async () => import.meta.url.slice(-8);" },
  },
  "broken package.json": { files: { "package.json": "{", "index.js": "exports.handler = async () => 1;" } },
  "cjs file": { files: { "index.cjs": "exports.handler = async () => 'cjs';" } },
  "default export": { files: esm("export default { handler: async () => 'default' };") },
  "module.exports function": { files: js("const f = async () => 1; f.handler = async () => 2; module.exports = f;") },
  "deep handler": { files: { "src/app.js": "exports.deep = { run: async () => 'deep' };" }, handler: "src/app.deep.run" },
  "from node_modules": {
    files: { "node_modules/app/index.js": "exports.handler = async () => 'package';" },
    handler: "app.handler",
  },
  "a directory of the name": { files: { "index/index.js": "exports.handler = async () => 1;" } },
  "sync answer": { files: js("exports.handler = (e) => 'at once';") },
  "sync answer with a timer": { files: js("exports.handler = () => { setTimeout(() => console.log('later'), 30); return 'now'; };") },
  "sync throw": { files: js("exports.handler = () => { throw new TypeError('sync'); };") },
  "sync throw of nothing": { files: js("exports.handler = () => { throw null; };") },
  "thenable": { files: js("exports.handler = () => ({ then: (ok) => ok('thenable') });") },
  "thenable that fails": { files: js("exports.handler = () => ({ then: (ok, no) => no(new Error('thenable')) });") },
  "nothing": { files: js("exports.handler = async () => {};") },
  "never": { files: js("exports.handler = () => new Promise(() => {});") },
  "never after a timer": { files: js("exports.handler = () => { setTimeout(() => console.log('done'), 20); return new Promise(() => {}); };") },
  "a function as the answer": { files: js("exports.handler = async () => () => 1;") },
  "not a number": { files: js("exports.handler = async () => NaN;") },
  "big number": { files: js("exports.handler = async () => 10n;") },
  "circle": { files: js("exports.handler = async () => { const a = {}; a.a = a; return a; };") },
  "toJSON that throws": { files: js("exports.handler = async () => ({ toJSON() { throw new Error('mine'); } });") },
  "date": { files: js("exports.handler = async () => new Date(0);") },
  "own error": { files: js(`${refused} exports.handler = async () => { throw new Refused('denied'); };`) },
  "error with more": {
    files: js("exports.handler = async () => { throw Object.assign(new Error('more', { cause: new RangeError('why') }), { code: 7, detail: { a: 1 }, inner: new TypeError('in') }); };"),
  },
  "error with a circle": { files: js("exports.handler = async () => { const e = new Error('round'); e.me = { e }; e.me.me = e.me; throw e; };") },
  "error without a stack": { files: js("exports.handler = async () => { const e = new Error('bare'); delete e.stack; e.stack = undefined; throw e; };") },
  "error-like": { files: js("exports.handler = async () => { throw { name: 'N', message: 'M', stack: 'S' }; };") },
  "delete character": { files: js("exports.handler = async () => { throw new Error('a\\x7fb'); };") },
  "several lines": { files: js("exports.handler = async () => { throw new Error('one\\ntwo'); };") },
  ...Object.fromEntries(
    ["'just text'", "7", "null", "undefined", "{ a: 1 }", "[1, 2]", "Object.create(null)"].map((value) => [
      `throw ${value}`,
      { files: js(`exports.handler = async () => { throw ${value}; };`) },
    ]),
  ),
  "rejection that nobody handles": {
    files: js("exports.handler = async () => { Promise.reject(new Error('nobody listens')); await new Promise((r) => setTimeout(r, 500)); };"),
    ends: true,
  },
  "rejection with text": {
    files: js("exports.handler = async () => { Promise.reject('text'); await new Promise((r) => setTimeout(r, 500)); };"),
    ends: true,
  },
  "exception in a timer": {
    files: js("exports.handler = async () => { setTimeout(() => { throw new TypeError('later'); }, 5); await new Promise((r) => setTimeout(r, 500)); };"),
    ends: true,
  },
  "rejection at load": { files: js("Promise.reject(new Error('at load')); exports.handler = async () => 1;"), ends: true },
  "exit": { files: js("exports.handler = async () => process.exit(3);"), ends: true },
  "exit at load": { files: js("process.exit(7);"), ends: true },
  "killed": { files: js("exports.handler = async () => { process.kill(process.pid, 'SIGKILL'); await new Promise((r) => setTimeout(r, 500)); };"), ends: true },
  "own handlers of rejections": {
    files: js("process.on('unhandledRejection', (e) => console.log('mine', e.message)); exports.handler = async () => { Promise.reject(new Error('handled here')); await new Promise((r) => setTimeout(r, 30)); return 'on'; };"),
  },
  "callback": { files: js("exports.handler = (e, c, done) => { setTimeout(() => done(null, 'called'), 5); };") },
  "callback that waits": { files: js("exports.handler = (e, c, done) => { setTimeout(() => console.log('after'), 40); done(null, 'waited'); };") },
  "callback at once": {
    files: js("exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 1000); done(null, 'at once'); };"),
  },
  "callback with an error": { files: js("exports.handler = (e, c, done) => { setInterval(() => {}, 1000); done(new Error('refused')); };") },
  "callback with text as the error": { files: js("exports.handler = (e, c, done) => done('text');") },
  "callback and a promise": { files: js("exports.handler = async (e, c, done) => { done(null, 'callback'); return 'promise'; };") },
  "promise and a callback": { files: js("exports.handler = async (e, c, done) => { setTimeout(() => done(null, 'callback'), 20); return 'promise'; };") },
  "callback twice": { files: js("exports.handler = (e, c, done) => { done(null, 1); done(null, 2); };") },
  "callback with a circle": { files: js("exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; const a = {}; a.a = a; done(null, a); };"), ends: true },
  "context.succeed": { files: js("exports.handler = (e, c) => { setInterval(() => {}, 1000); c.succeed('yes'); };"), ends: major >= 24 },
  "context.fail": { files: js("exports.handler = (e, c) => { c.fail(new Error('no')); };") },
  "context.fail without a reason": { files: js("exports.handler = (e, c) => { c.fail(); };") },
  "context.done": { files: js("exports.handler = (e, c) => { c.done(null, 'done'); };") },
  "context": {
    files: js("exports.handler = async (e, c) => ({ keys: Object.keys(c).sort(), left: c.getRemainingTimeInMillis() > 1000, types: Object.entries(c).map(([k, v]) => k + ' ' + typeof v).sort(), name: c.functionName, mb: c.memoryLimitInMB, trace: process.env._X_AMZN_TRACE_ID, xray: c.xRayTraceId, tenant: c.tenantId });"),
  },
  "remaining time below zero": { files: js("exports.handler = async (e, c) => c.getRemainingTimeInMillis() < 0;"), deadline: -5000 },
  "awslambda": { files: js("exports.handler = async () => ({ keys: Object.keys(awslambda).sort(), id: awslambda.InvokeStore?.getRequestId(), trace: awslambda.InvokeStore?.getXRayTraceId() });") },
  "no awslambda": { files: js("exports.handler = async () => typeof awslambda;"), env: { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: "1" } },
  "missing relative module": { files: js("require('./missing');"), ends: true },
  "missing package": { files: js("require('no-such-package');"), ends: true },
  "missing package of a module": { files: esm("import 'no-such-package'; export const handler = async () => 1;"), ends: true },
  "missing file of a module": { files: esm("import './missing.mjs'; export const handler = async () => 1;"), ends: true },
  "missing export of a module": { files: { "a.mjs": "export const a = 1;", ...esm("import { b } from './a.mjs'; export const handler = async () => b;") }, ends: true },
  "syntax error": { files: js("exports.handler = async () => {"), ends: true },
  "syntax error of a module": { files: esm("export const handler = async () => {"), ends: true },
  "JSON.parse at load": { files: js("JSON.parse('{');"), ends: true },
  "throws at load": { files: js("throw new RangeError('at load');"), ends: true },
  "throws text at load": { files: js("throw 'text at load';"), ends: true },
  "rejects at load": { files: esm("await Promise.reject(new Error('top')); export const handler = async () => 1;"), ends: true },
  "top-level await": { files: esm("const a = await Promise.resolve('top'); export const handler = async () => a;") },
  "not exported": { files: js("exports.other = 1;"), ends: true },
  "not a function": { files: js("exports.handler = 1;"), ends: true },
  "no such file": { files: js("exports.handler = 1;"), handler: "other.handler", ends: true },
  "no dot": { files: js(""), handler: "index", ends: true },
  "dot at the end": { files: js(""), handler: "index.", ends: true },
  "out of the task": { files: js(""), handler: "../index.handler", ends: true },
  "a console": {
    files: js(
      "console.log('loaded'); exports.handler = async (e) => { console.log('text %s %d', 'a', 1, { b: 2 }); console.info({ a: { b: { c: { d: 1 } } } }); console.debug('debug'); console.warn('warn', new Error('w').message); console.error('one\\ntwo'); console.trace('trace'); console.log(); console.log(undefined, null); console.fatal?.('fatal'); process.stdout.write('raw\\n'); console.log(new Map([[1, 2]])); };",
    ),
  },
  ...Object.fromEntries(
    [undefined, "INFO", "WARN", "FATAL"].map((level) => [
      `JSON log, ${level}`,
      {
        files: js(
          "console.log('loaded'); exports.handler = async (e) => { console.log('text %s', 'a'); console.log({ a: 1 }); console.log('with', { b: 2 }); console.debug('debug'); console.warn('warn'); console.error(new TypeError('te')); console.error('it', new RangeError('re')); console.log(); console.log(10n); console.fatal?.('fatal'); const a = {}; a.a = a; console.log(a); console.log('two\\nlines'); console.log({ e: new Error('inside') }); throw Object.assign(new Error('end'), { code: 'C' }); };",
        ),
        env: { AWS_LAMBDA_LOG_FORMAT: "JSON", ...(level && { AWS_LAMBDA_LOG_LEVEL: level }) },
      },
    ]),
  ),
  "JSON log, missing module": { files: js("require('./missing');"), env: { AWS_LAMBDA_LOG_FORMAT: "JSON" }, ends: true },
  "stream": {
    files: esm("export const handler = awslambda.streamifyResponse(async (event, stream, context) => { stream.setContentType('text/plain'); stream.write('one '); stream.write({ two: 2 }); stream.write(Buffer.from(' three')); stream.end(); });"),
    events: [{}, {}],
  },
  "stream with a prelude": {
    files: esm("export const handler = awslambda.streamifyResponse(async (event, stream) => { const s = awslambda.HttpResponseStream.from(stream, { statusCode: 201 }); s.write('body'); s.end(); });"),
  },
  "stream by a pipeline": {
    files: esm("import { pipeline } from 'node:stream/promises'; import { Readable } from 'node:stream'; export const handler = awslambda.streamifyResponse(async (event, stream) => { await pipeline(Readable.from(['a', 'b', 'c']), stream); });"),
  },
  "stream that fails before it begins": { files: esm("export const handler = awslambda.streamifyResponse(async () => { throw new Error('early'); });"), events: [{}, {}] },
  "stream that fails on its way": { files: esm("export const handler = awslambda.streamifyResponse(async (e, s) => { s.write('half'); throw new TypeError('late'); });") },
  "stream handler that is not async": { files: esm("export const handler = awslambda.streamifyResponse((e, s) => { s.end('sync'); });") },
  "stream handler that returns": { files: esm("export const handler = awslambda.streamifyResponse(async (e, s) => { s.end('x'); return 1; });") },
  "stream, content type too late": { files: esm("export const handler = awslambda.streamifyResponse(async (e, s) => { s.write('x'); s.setContentType('text/html'); });") },
};

// -- one side

const CLIENT = `
const http = require('node:http');
const { Worker } = require('node:worker_threads');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const NAMES = ['deadline-ms', 'aws-request-id', 'trace-id', 'invoked-function-arn'].map((n) => 'lambda-runtime-' + n);
exports.next = () => new Promise((resolve, reject) => {
  http.get({ host, port, path: '/2018-06-01/runtime/invocation/next', agent: false }, (response) => {
    let bodyJson = '';
    response.setEncoding('utf8').on('data', (d) => (bodyJson += d)).on('end', () => {
      const headers = Object.fromEntries(NAMES.map((name) => [name, response.headers[name]]));
      resolve({ bodyJson, headers: { ...headers, 'lambda-runtime-deadline-ms': Number(headers['lambda-runtime-deadline-ms']) } });
    });
  }).on('error', reject);
});
const post = (path, body) => {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const code = "const { workerData: w } = require('node:worker_threads'); require('node:http').request({ host: w.host, port: w.port, path: w.path, method: 'POST', agent: false }, (r) => r.resume().on('end', () => { Atomics.store(w.done, 0, 1); Atomics.notify(w.done, 0); })).end(w.body);";
  new Worker(code, { eval: true, execArgv: [], env: {}, workerData: { host, port, path, body, done } }).unref();
  Atomics.wait(done, 0, 0);
};
const texts = (...given) => { if (given.some((one) => typeof one !== 'string')) throw new TypeError('Wrong arguments'); };
exports.done = (id, body) => { texts(id, body); post('/2018-06-01/runtime/invocation/' + id + '/response', body); };
exports.error = (id, body, xray) => { texts(id, body, xray); post('/2018-06-01/runtime/invocation/' + id + '/error', body); };
`;

function prepareAws() {
  const client = path.join(scratch, "client.cjs");
  fs.writeFileSync(client, CLIENT);
  const hook = path.join(scratch, "hook.cjs");
  fs.writeFileSync(hook, `require('node:module')._extensions['.node'] = (m) => { m.exports = require(${JSON.stringify(client)}); };`);
  const file = [path.join(aws, "dist/index.mjs"), path.join(aws, "index.mjs")].find((name) => fs.existsSync(name));
  for (const dir of [path.dirname(file)]) fs.writeFileSync(path.join(dir, "rapid-client.node"), "");
  const entry = path.join(scratch, "entry.mjs");
  const classic = `import { run } from ${JSON.stringify(file)}; await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);`;
  fs.writeFileSync(entry, major >= 24 ? `import ${JSON.stringify(file)};` : classic);
  return { args: ["--require", hook, entry], own: [path.dirname(file), scratch] };
}

async function side({ args, own }, { files, handler = "index.handler", events = [{}], env = {}, deadline = 30_000 }) {
  const task = fs.realpathSync(fs.mkdtempSync(path.join(scratch, "task-")));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(task, name)), { recursive: true });
    fs.writeFileSync(path.join(task, name), text);
  }
  const seen = [];
  let given = 0;
  let child;
  const ended = Promise.withResolvers ? Promise.withResolvers() : deferred();
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      const resource = request.url.replace("/2018-06-01/runtime/", "").replace(/request-\d+/, "ID");
      if (resource === "invocation/next") {
        if (given === events.length) return setTimeout(() => ended.resolve({ waits: true }), 60);
        given += 1;
        const event = Buffer.from(JSON.stringify(events[given - 1]));
        response.writeHead(200, {
          "content-length": event.length,
          "lambda-runtime-aws-request-id": `request-${given}`,
          "lambda-runtime-deadline-ms": String(Date.now() + deadline),
          "lambda-runtime-trace-id": "Root=1-2-3",
          "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:1:function:f",
        });
        return response.end(event);
      }
      const post = { resource, body: Buffer.concat(chunks).toString() };
      const type = request.headers["lambda-runtime-function-error-type"];
      if (type && resource === "init/error") post.type = type;
      if (request.headers["lambda-runtime-function-response-mode"]) {
        post.content = request.headers["content-type"];
        const trailers = Object.entries(request.trailers);
        if (trailers.length) post.trailers = Object.fromEntries(trailers.map(([k, v]) => [k, k.endsWith("body") ? Buffer.from(v, "base64").toString() : v]));
      }
      seen.push(post);
      response.writeHead(202, { "content-length": 0 }).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const flags = major < 24 ? "--no-experimental-require-module --no-experimental-detect-module" : "";
  child = spawn(node, args, {
    // Node reads the package.json of where it stands for what is preloaded, which is not what is compared.
    cwd: scratch,
    env: {
      PATH: process.env.PATH,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.address().port}`,
      AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: "f",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/f",
      AWS_LAMBDA_LOG_STREAM_NAME: "s",
      LAMBDA_TASK_ROOT: task,
      NODE_OPTIONS: flags,
      _HANDLER: handler,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  let errors = "";
  child.stdout.on("data", (data) => (log += data));
  child.stderr.on("data", (data) => (errors += data));
  const closed = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  const limit = setTimeout(() => ended.resolve({ hangs: true }), 8_000);
  const end = await Promise.race([ended.promise, closed]);
  clearTimeout(limit);
  child.kill("SIGKILL");
  await closed;
  server.closeAllConnections();
  server.close();
  const tidy = (text) => normalised(text, task, own);
  return {
    end,
    posts: seen.map((post) => ({ ...post, body: tidyBody(post.body, tidy), ...(post.trailers && { trailers: tidyAll(post.trailers, tidy) }) })),
    log: tidy(log.replace(/\0workshop:end .*\n?/g, "")).split("\n").filter(Boolean).map((line) => tidyLine(line)),
    // Node's own words about a process that it ends: its last error, without the frames.
    errors: tidy(errors).split("\n").filter((line) => /^\w*(Error|Refused)\b|^\[UnhandledPromise|^Node\.js v/.test(line.trim())).map((line) => line.trim()),
  };
}

const deferred = () => {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
};

// -- what may differ: places, times, the runtimes' own frames

function normalised(text, task, own) {
  let out = text.replaceAll("\r", "\n").replaceAll(task, "/var/task").replace(/request-\d+/g, "ID");
  for (const dir of own) out = out.replaceAll(new RegExp(`${dir.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/[\\w./-]+`, "g"), "/var/runtime/index.mjs");
  return out.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
}

// A stack is its first line and the frames in the function's own code, by their places.
const place = (line) => line.replace(/^(\s+at )(?:.*\()?((?:file:\/\/)?\/var\/task\/[^)]*)\)?$/, "$1$2");
const frames = (lines) =>
  lines.filter((line, at) => at === 0 || /\/var\/task/.test(line) || !/^\s+at /.test(line)).map(place);
function withoutFrames(value) {
  if (typeof value === "string" && value.includes("\n    at ")) return frames(value.split("\n")).join("\n");
  if (Array.isArray(value)) return value.some((one) => /^\s+at /.test(one)) ? frames(value) : value.map(withoutFrames);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withoutFrames(v)]));
  }
  return value;
}
function tidyBody(body, tidy) {
  const text = tidy(body);
  try {
    return withoutFrames(JSON.parse(text));
  } catch {
    return text;
  }
}
const tidyAll = (trailers, tidy) => Object.fromEntries(Object.entries(trailers).map(([k, v]) => [k, tidyBody(v, tidy)]));
function tidyLine(line) {
  const at = line.indexOf("{");
  if (at < 0) return /^\s+at /.test(line) && !line.includes("/var/task") ? "" : line;
  try {
    return line.slice(0, at) + JSON.stringify(withoutFrames(JSON.parse(line.slice(at))));
  } catch {
    return line;
  }
}

// -- the comparison

const awsSide = prepareAws();
const ourSide = { args: [path.join(ours, "bootstrap.mjs")], own: [fs.realpathSync(ours)] };
let different = 0;
let compared = 0;
for (const [name, given] of Object.entries(CASES)) {
  if ((only && name !== only)) continue;
  compared += 1;
  const [left, right] = await Promise.all([side(awsSide, given), side(ourSide, given)]);
  for (const one of [left, right]) one.log = one.log.filter(Boolean);
  const [a, b] = [left, right].map((one) => JSON.stringify(one, null, 1));
  if (a === b && !only) continue;
  if (a !== b) different += 1;
  console.log(`== ${name}\n-- AWS's\n${a}\n-- the sandbox's\n${b}`);
}
fs.rmSync(scratch, { recursive: true, force: true });
console.log(`${runtime} on ${process.argv[2]}: ${compared} cases, ${different} different`);
process.exitCode = different ? 1 : 0;
