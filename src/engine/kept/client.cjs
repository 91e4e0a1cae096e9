// Stands for an application's command line: has it run in the process that is kept for it, and ends as it ends.
'use strict';

const { WORKSHOP_CDK_SOCKET: socket, WORKSHOP_CDK_APP: line, ...env } = process.env;
delete env.WORKSHOP_CDK_CLIENT;
const connection = require('node:net').connect(socket);
let answer = '';
connection.setEncoding('utf8');
connection.on('data', (text) => (answer += text));
connection.on('error', () => {});
connection.on('close', () => {
  // Where nothing answered, or it cannot be run so, the application is run as its project says.
  if (/^\d+$/.test(answer)) process.exitCode = Number(answer);
  else process.exitCode = plain();
});
connection.end(JSON.stringify({ env, cwd: process.cwd() }));

function plain() {
  const ended = require('node:child_process').spawnSync(line, { shell: true, stdio: 'inherit', env });
  return ended.status ?? 1;
}
