// Runs a function's handler: a client of the Lambda Runtime API, one invocation at a time.
// Everything that a handler can see of AWS's Node.js runtime looks the same here.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import util from "node:util";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const ROOT = process.env.LAMBDA_TASK_ROOT;
const [address, ...prefix] = process.env.AWS_LAMBDA_RUNTIME_API.split("/");
const [host, port] = address.split(":");
const base = ["", ...prefix].join("/");
const agent = new http.Agent({ keepAlive: true });
let requestId;
// What to do when nothing is left to wait for: how a callback handler ends.
let onEmptyLoop;

function api(method, resource, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const sent = bytes ? { ...headers, "content-type": "application/json", "content-length": bytes.length } : headers;
    const request = http.request(
      { host, port, agent, method, path: `${base}/2018-06-01/runtime/${resource}`, headers: sent },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(bytes);
  });
}

// -- the log

const write = (text) => process.stdout.write(text);
const log = (level, message) => write(`${new Date().toISOString()}\t${requestId}\t${level}\t${message}\n`);
const LEVELS = { log: "INFO", info: "INFO", debug: "DEBUG", warn: "WARN", error: "ERROR", trace: "TRACE", fatal: "FATAL" };
for (const [method, level] of Object.entries(LEVELS)) {
  console[method] = (...args) => log(level, util.format(...args));
}

// Tells the host that this invocation has logged all it will, and the peak memory in KiB.
const endOfLog = () => write(`\0workshop:end ${requestId ?? "init"} ${process.resourceUsage().maxRSS}\n`);

// -- errors

// AWS unpacks functions there, its runtime lies beside them, and its traces say so.
const asOnAws = (text) =>
  String(text).replaceAll(import.meta.url, "file:///var/runtime/index.mjs").replaceAll(ROOT, "/var/task");

class RuntimeError extends Error {
  constructor(name, message, cause) {
    super(message);
    this.name = name;
    const frames = String(cause?.stack ?? "").split("\n").slice(1);
    this.stack = [`${name}: ${message}`, ...frames].join("\n");
  }
}

function describe(error) {
  if (util.types.isNativeError(error) || error instanceof Error) {
    return {
      errorType: asOnAws(error.name || "Error"),
      errorMessage: asOnAws(error.message),
      trace: asOnAws(error.stack ?? "").split("\n"),
    };
  }
  return { errorType: typeof error, errorMessage: asOnAws(String(error)), trace: [] };
}

function logError(title, error) {
  const { errorType, errorMessage, trace: stack } = describe(error);
  const own = util.types.isNativeError(error) ? { ...error } : {};
  delete own.name;
  let text;
  try {
    text = JSON.stringify({ errorType, errorMessage, ...own, stack });
  } catch {
    // What hangs on the error does not go into JSON.
    text = JSON.stringify({ errorType, errorMessage, stack });
  }
  log("ERROR", `${title} \t${text}`);
}

function postError(resource, error) {
  const body = describe(error);
  const type = body.errorType.replace(/[^\x20-\x7e]/g, "?");
  return api("POST", resource, JSON.stringify(body), { "lambda-runtime-function-error-type": type });
}

// Outside any handler's promise: the invocation under way fails and the process ends.
let dying = false;
// Whoever ends the process, the host learns its peak memory.
process.on("exit", endOfLog);
async function die(title, error, code) {
  if (dying) return;
  dying = true;
  logError(title, error);
  endOfLog();
  try {
    await postError(requestId ? `invocation/${requestId}/error` : "init/error", error);
  } finally {
    process.exit(code);
  }
}
process.on("uncaughtException", (error) => die("Uncaught Exception", error, 129));
process.on("unhandledRejection", (reason) => {
  const message = reason instanceof Error ? String(reason) : util.format(reason);
  die("Unhandled Promise Rejection", new RuntimeError("Runtime.UnhandledPromiseRejection", message, reason), 128);
});
process.on("beforeExit", () => {
  const act = onEmptyLoop;
  onEmptyLoop = undefined;
  act?.();
});

// -- the handler

async function load() {
  const whole = process.env._HANDLER;
  const slash = whole.lastIndexOf("/") + 1;
  const dot = whole.indexOf(".", slash);
  if (whole.includes("..") || dot <= slash || dot === whole.length - 1) {
    throw new RuntimeError("Runtime.MalformedHandlerName", "Bad handler");
  }
  const names = whole.slice(dot + 1).split(".");
  const module = await loadModule(path.join(ROOT, whole.slice(0, dot)));
  const within = (object) => names.reduce((value, name) => value?.[name], object);
  const handler = within(module) ?? within(module.default);
  if (typeof handler !== "function") {
    const what = handler === undefined ? "is undefined or not exported" : "is not a function";
    throw new RuntimeError("Runtime.HandlerNotFound", `${whole} ${what}`);
  }
  const major = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1]);
  if (major >= 24 && handler.length >= 3) {
    const message = `nodejs${major}.x does not run callback handlers: make ${whole} an async function`;
    throw new RuntimeError("Runtime.CallbackHandlerDeprecated", message);
  }
  return handler;
}

async function loadModule(file) {
  const found = ["", ".js", ".mjs", ".cjs"].map((end) => file + end).find(isFile);
  if (!found) {
    throw new RuntimeError("Runtime.ImportModuleError", `Error: Cannot find module '${path.basename(file)}'`);
  }
  const esm = found.endsWith(".mjs") || (!found.endsWith(".cjs") && packageType(path.dirname(found)) === "module");
  try {
    return esm ? await import(pathToFileURL(found).href) : createRequire(found)(found);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RuntimeError("Runtime.UserCodeSyntaxError", `SyntaxError: ${error.message}`, error);
    }
    if (error?.code === "MODULE_NOT_FOUND" || error?.code === "ERR_MODULE_NOT_FOUND") {
      throw new RuntimeError("Runtime.ImportModuleError", String(error), error);
    }
    throw error;
  }
}

function isFile(name) {
  return fs.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

function packageType(directory) {
  for (let at = directory; at.startsWith(ROOT); at = path.dirname(at)) {
    const name = path.join(at, "package.json");
    if (isFile(name)) return JSON.parse(fs.readFileSync(name, "utf8")).type;
  }
  return undefined;
}

function contextOf(headers) {
  const env = process.env;
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => {
      const settle = () => (error === undefined || error === null ? resolve(value) : reject(error));
      if (context.callbackWaitsForEmptyEventLoop) onEmptyLoop = settle;
      else settle();
    };
    context.done = callback;
    context.succeed = (value) => resolve(value);
    context.fail = (error) => reject(error ?? new Error("handled"));
    // A handler that never answers, with nothing left to wait for, answers null.
    onEmptyLoop = () => resolve(null);
    const returned = handler(event, context, callback);
    if (typeof returned?.then === "function") returned.then(resolve, reject);
  });
}

function serialize(value) {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    const message = `Unable to stringify response body: ${error.message}`;
    throw new RuntimeError("Runtime.MarshalError", message, error);
  }
}

// -- the life of an environment

let handler;
try {
  handler = await load();
} catch (error) {
  await die("Uncaught Exception", error, 1);
}
for (;;) {
  const next = await api("GET", "invocation/next");
  requestId = next.headers["lambda-runtime-aws-request-id"];
  process.env._X_AMZN_TRACE_ID = next.headers["lambda-runtime-trace-id"];
  let outcome;
  try {
    outcome = { answer: serialize(await run(handler, JSON.parse(next.body), contextOf(next.headers))) };
  } catch (error) {
    outcome = { error };
  }
  onEmptyLoop = undefined;
  // The process is on its way out: its error is the answer.
  if (dying) break;
  if ("answer" in outcome) {
    endOfLog();
    await api("POST", `invocation/${requestId}/response`, outcome.answer);
  } else {
    logError("Invoke Error", outcome.error);
    endOfLog();
    await postError(`invocation/${requestId}/error`, outcome.error);
  }
}
