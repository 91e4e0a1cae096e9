// Runs a CDK application, and again, without loading its packages anew each time.
//
// The application's own modules are forgotten before each run; those below node_modules stay, as long as they are as
// they were. What a run leaves behind in the process makes it unfit for another.
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const EVENTS = ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP', 'message', 'disconnect'];
const SETTINGS = ['package.json', 'tsconfig.json'];
const ours = new Set(Object.keys(require.cache));
let running;
let before;

process.on('disconnect', () => process.exit());
process.on('message', (request) => {
  const main = path.resolve(request.cwd, request.argv[0]);
  if (before && !same(before)) return answer(request.mark, { code: 1, spent: true });
  if (isModule(main)) return answer(request.mark, { code: 1, spent: true, unfit: true });
  forget();
  running = { ...request, listeners: count(), exits: new Set(process.listeners('exit')), globals: globals() };
  for (const name of Object.keys(process.env)) if (!(name in request.env)) delete process.env[name];
  Object.assign(process.env, request.env);
  process.chdir(request.cwd);
  process.exitCode = undefined;
  process.argv = [process.execPath, main, ...request.argv.slice(1)];
  // From here on only the application keeps this process alive, so that its end is seen.
  process.channel.unref();
  Module._load(main, null, true);
});

// The CDK synthesises when this event comes; so it is the second one that is the end.
process.on('beforeExit', () => {
  if (!running) return;
  if (!running.over) {
    running.over = true;
    setImmediate(() => {});
    return;
  }
  const code = process.exitCode ?? 0;
  for (const listener of process.listeners('exit').filter((one) => !running.exits.has(one))) {
    process.removeListener('exit', listener);
    listener.call(process, code);
  }
  const left = count() !== running.listeners || globals() !== running.globals;
  const { mark } = running;
  running = undefined;
  process.exitCode = undefined;
  before = look();
  process.channel.ref();
  answer(mark, { code, spent: left || !before });
});

function answer(mark, message) {
  process.stdout.write(mark);
  process.stderr.write(mark);
  process.send(message);
}

const isPackage = (file) => file.includes(`${path.sep}node_modules${path.sep}`);

// Forgets the application's own modules, and what the CDK remembers of files.
function forget() {
  for (const file of Object.keys(require.cache)) {
    if (!isPackage(file) && !ours.has(file)) delete require.cache[file];
  }
  for (const staging of stagings()) staging.clearAssetHashCache();
}

// The CDK's memory of which directory has which hash, in each copy of it that is loaded.
function stagings() {
  const loaded = Object.entries(require.cache);
  const found = loaded.filter(([file]) => file.endsWith(path.join('aws-cdk-lib', 'core', 'lib', 'asset-staging.js')));
  return found.map(([, module]) => module.exports.AssetStaging);
}

// Returns what another run here depends on: the packages that are loaded, and the settings beside and above the
// application's modules. Nothing where the CDK is another than is known here.
function look() {
  const known = stagings().every((staging) => typeof staging?.clearAssetHashCache === 'function');
  const cdk = Object.keys(require.cache).some((file) => file.includes(path.join('node_modules', 'aws-cdk-lib') + path.sep));
  if (!known || (cdk && stagings().length === 0)) return undefined;
  const files = new Map();
  for (const file of Object.keys(require.cache)) {
    if (isPackage(file)) files.set(file, mark(file));
    else {
      for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
        for (const name of SETTINGS) files.set(path.join(dir, name), mark(path.join(dir, name)));
        if (dir === path.dirname(dir)) break;
      }
    }
  }
  return files;
}

function same(files) {
  for (const [file, was] of files) if (mark(file) !== was) return false;
  return true;
}

function mark(file) {
  const now = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  return now && `${now.ino} ${now.size} ${now.mtimeNs}`;
}

// Node loads these otherwise, and never forgets them.
function isModule(main) {
  if (/\.m[jt]s$/.test(main)) return true;
  if (/\.c[jt]s$/.test(main)) return false;
  for (let dir = path.dirname(main); ; dir = path.dirname(dir)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return true;
    }
    if (dir === path.dirname(dir)) return false;
  }
}

function count() {
  return EVENTS.map((event) => process.listenerCount(event)).join(' ');
}

// The CDK's own, which last as long as its packages do, do not count.
function globals() {
  return Object.getOwnPropertyNames(globalThis).filter((name) => !name.startsWith('__cdk')).join(' ');
}
