// A Lambda Runtime API for one function under AWS's published runtime client, for the scripts beside it:
//
//   node lambda-runtime-api.mjs PACKAGE_DIR FUNCTION_DIR     (the handler is index.handler, the event {})
//
// Prints one JSON object: what was posted (`posted`: path and body) and what the function wrote (`log`). The client's
// native part is replaced by a few lines of JavaScript that make the same requests.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const [packageDir, functionDir] = process.argv.slice(2).map((dir) => path.resolve(dir));
const entryFile = ['dist/index.mjs', 'index.mjs'].map((name) => path.join(packageDir, name)).find(fs.existsSync);
const major = Number(JSON.parse(fs.readFileSync(path.join(packageDir, 'package.json'))).version.split('.')[0]);
const posted = [];
let asked = 0;
const server = http.createServer((request, response) => {
  if (request.url.endsWith('/next')) {
    if (asked++ > 0) return; // a second question waits for ever, as for a function that nobody calls
    response.setHeader('lambda-runtime-aws-request-id', 'id-1');
    response.setHeader('lambda-runtime-deadline-ms', String(Date.now() + 10_000));
    response.setHeader('lambda-runtime-invoked-function-arn', 'arn:aws:lambda:us-east-1:123456789012:function:example');
    return response.end('{}');
  }
  let body = '';
  request.on('data', (data) => (body += data)).on('end', () => {
    posted.push({ path: request.url.split('/runtime/')[1], body });
    response.statusCode = 202;
    response.end();
    setTimeout(() => child.kill(), 300);
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const native = `const http = require('node:http');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const call = (method, path, body, then) => http.request({ host, port, path: '/2018-06-01/runtime/' + path, method, agent: false }, then).end(body);
exports.initializeClient = () => {};
exports.next = () => new Promise((resolve, reject) => call('GET', 'invocation/next', undefined, (response) => {
  let bodyJson = '';
  response.on('data', (data) => (bodyJson += data)).on('end', () => resolve({ bodyJson, headers: response.headers }));
}).on('error', reject));
exports.done = (id, body) => { call('POST', 'invocation/' + id + '/response', body, (r) => r.resume()); };
exports.error = (id, body) => { call('POST', 'invocation/' + id + '/error', body, (r) => r.resume()); };
`;
fs.writeFileSync(path.join(functionDir, 'client.cjs'), native);
fs.writeFileSync(path.join(functionDir, 'hook.cjs'), `require('node:module')._extensions['.node'] = (m) => { m.exports = require('./client.cjs'); };`);
fs.writeFileSync(path.join(path.dirname(entryFile), 'rapid-client.node'), '');
const start = major >= 4 ? `import ${JSON.stringify(entryFile)};` : `import { run } from ${JSON.stringify(entryFile)}; await run(${JSON.stringify(functionDir)}, 'index.handler');`;
fs.writeFileSync(path.join(functionDir, 'start.mjs'), start);

const env = { PATH: process.env.PATH, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.address().port}`, LAMBDA_TASK_ROOT: functionDir, _HANDLER: 'index.handler', AWS_LAMBDA_FUNCTION_NAME: 'example', AWS_REGION: 'us-east-1' };
const child = spawn(process.execPath, ['--require', path.join(functionDir, 'hook.cjs'), path.join(functionDir, 'start.mjs')], { env });
let log = '';
child.stdout.on('data', (data) => (log += data));
child.stderr.on('data', (data) => (log += data));
setTimeout(() => child.kill(), 8000).unref();
child.on('exit', () => {
  console.log(JSON.stringify({ posted, log }));
  server.closeAllConnections();
  server.close();
});
