// Runs a function's handler: a client of the Lambda Runtime API, one invocation at a time.
// Everything that a handler can see of AWS's Node.js runtimes looks the same here; they are two families, which end an
// invocation differently: nodejs20.x and 22.x (aws-lambda-ric 3), and nodejs24.x and later (aws-lambda-ric 4).

const runtime = process.env.AWS_EXECUTION_ENV ?? "";
const major = Number(/nodejs(\d+)/.exec(runtime)?.[1] ?? 24);
const { start } = await import(major >= 24 ? "./current.mjs" : "./classic.mjs");
// Not awaited: what goes wrong from here on is an unhandled rejection, and a process with nothing to wait for ends.
start(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
