// Keeps a project's own CDK in memory from one command to the next.
//
// A command is a line of JSON on stdin: {args, mark, app}. It begins with a line on stdout, its mark and `begun`. What it
// prints goes to stdout and stderr as it always does. When nothing of it is left to do, as when the CDK's own process
// would end, both get a line of its mark and its exit code. This process ends with stdin, with a command that ends it, when
// it has had nothing to do for long, and, in place of a command, when it is not what a new one would be.
//
// The CDK starts the application by a command line. Where `app` says how ({options, argv}), that command is client.cjs,
// which asks here over a socket; the application then runs in a process that is kept as well (app.cjs).
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const program = process.argv[2];
const CLIENT = path.join(__dirname, 'client.cjs');
const APP = path.join(__dirname, 'app.cjs');
// As the CDK's own program begins.
process.setSourceMapsEnabled(true);
const { cli } = require(path.join(path.dirname(program), '../lib'));

let socket;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'workshop-cdk-'));
process.on('exit', () => {
  if (app) app.kill();
  fs.rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

// Longer than any pause in a workshop.
const IDLE = 30 * 60 * 1000;
let idle;

const environment = { ...process.env };
// The CDK, and what its libraries read once and keep.
const home = (name) => path.join(os.homedir(), '.aws', name);
const KEPT = [
  path.join(path.dirname(program), '../lib/index.js'),
  environment.AWS_CONFIG_FILE ?? home('config'),
  environment.AWS_SHARED_CREDENTIALS_FILE ?? home('credentials'),
];
const project = process.cwd();
const stat = (file) => fs.statSync(file, { throwIfNoEntry: false });
// A directory that was made anew is another one, whatever its name.
const look = () => {
  const files = KEPT.map(stat).map((now) => now && `${now.ino} ${now.size} ${now.mtimeMs}`);
  return [stat(project)?.ino, ...files].join();
};
const before = look();

const queue = [];
let running;

const input = readline.createInterface({ input: process.stdin });
input.on('line', (line) => {
  queue.push(JSON.parse(line));
  begin();
});
input.on('close', () => process.exit());

function begin() {
  if (running || queue.length === 0) return;
  clearTimeout(idle);
  if (look() !== before) process.exit();
  running = queue.shift();
  process.stdout.write(`${running.mark} begun\n`);
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
  process.exitCode = undefined;
  const args = [...running.args];
  if (running.app) {
    const { line } = running.app;
    Object.assign(process.env, { WORKSHOP_CDK_CLIENT: CLIENT, WORKSHOP_CDK_SOCKET: socket, WORKSHOP_CDK_APP: line });
    args.push('--app', 'node "$WORKSHOP_CDK_CLIENT"');
  }
  process.argv = [process.execPath, program, ...args];
  // From here on only the command keeps this process alive, so that its end is seen.
  process.stdin.unref();
  cli(args);
}

process.on('beforeExit', () => {
  if (!running) return;
  // Whoever else listens to this event may go on working.
  if (!running.over) {
    running.over = true;
    setImmediate(() => {});
    return;
  }
  const end = `${running.mark} ${process.exitCode ?? 0}\n`;
  running = undefined;
  process.stdin.ref();
  process.stdout.write(end);
  process.stderr.write(end);
  idle = setTimeout(() => process.exit(), IDLE);
  begin();
});

// The application.

let app;

// Starts the process that applications run in. It is idle until it is told to run, and does not keep this one alive.
function start({ options }, { env, cwd }) {
  const child = spawn('node', [...options, APP], { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const started = { child, options: options.join('\n'), kill: () => child.kill('SIGKILL') };
  child.on('error', () => {});
  child.on('exit', () => {
    if (app === started) app = undefined;
  });
  for (const one of [child, child.channel, child.stdout, child.stderr]) one?.unref?.();
  return started;
}

// Runs the application; gives its exit code, what it printed where that is held back, and whether it could be run so.
function run(kept, request, how, live) {
  const { child } = kept;
  const mark = `\0${Math.random()}\n`;
  const printed = [];
  return new Promise((resolve) => {
    let answer;
    let open = 2;
    const say = (to, text) => (live ? to.write(text) : printed.push([to, text]));
    const ended = () => {
      if (open > 0 || !answer) return;
      child.off('message', take);
      child.off('exit', exited);
      resolve({ ...answer, printed });
    };
    const take = (message) => {
      answer = message;
      ended();
    };
    const exited = (code) => {
      answer ??= { code: code ?? 1, spent: true };
      ended();
    };
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      let rest = '';
      let done = false;
      const over = () => {
        if (done) return;
        done = true;
        if (rest) say(to, rest);
        from.removeAllListeners('data');
        from.removeAllListeners('end');
        open -= 1;
        ended();
      };
      from.setEncoding('utf8');
      from.on('data', (text) => {
        rest += text;
        const at = rest.indexOf('\0');
        const whole = at < 0 ? rest.length : at;
        if (whole > 0) say(to, rest.slice(0, whole));
        rest = rest.slice(whole);
        if (rest.includes(mark)) {
          rest = '';
          over();
        }
      });
      from.on('end', over);
    }
    child.on('message', take);
    child.on('exit', exited);
    child.send({ ...request, argv: how.argv, mark }, (error) => error && child.kill('SIGKILL'));
  });
}

// An application that comes out badly where another has run before is run again from the beginning: what it says then is
// its own.
async function serve(request, how) {
  const options = how.options.join('\n');
  if (app && app.options !== options) discard();
  if (app) {
    const again = await run(app, request, how, false);
    if (again.code === 0) {
      for (const [to, text] of again.printed) to.write(text);
      if (again.spent) discard();
      return 0;
    }
    discard();
  }
  app = start(how, request);
  const { code, spent, unfit } = await run(app, request, how, true);
  if (code !== 0 || spent) discard();
  return unfit ? 'plain' : code;
}

function discard() {
  app?.kill();
  app = undefined;
}

const server = net.createServer({ allowHalfOpen: true }, (connection) => {
  let text = '';
  connection.setEncoding('utf8');
  connection.on('data', (piece) => (text += piece));
  connection.on('error', () => {});
  connection.on('end', async () => {
    const how = running?.app;
    const answer = how ? await serve(JSON.parse(text), how).catch(() => 'plain') : 'plain';
    connection.end(String(answer));
  });
});
socket = path.join(directory, 'app');
server.listen(socket);
server.unref();
