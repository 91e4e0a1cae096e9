// nodejs24.x and later: a handler answers what it returns. Nothing catches what it leaves behind: a rejection that
// nobody handles, or an exception in a timer, ends the process as Node does, and Lambda reports that it has ended.

import fs from "node:fs";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { contextOf } from "./context.mjs";
import { describe, endOfLog, logError, patchConsole } from "./log.mjs";
import { runtimeError } from "./errors.mjs";
import { checked, loadWith, parse, provideGlobals, streaming } from "./module.mjs";
import { openStream } from "./stream.mjs";
import * as wire from "./wire.mjs";

const CALLBACK =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";
const KEYS = ["REQUEST_ID", "X_RAY_TRACE_ID", "TENANT_ID"].map((name) => Symbol.for(`_AWS_LAMBDA_${name}`));
const [REQUEST_ID, TRACE_ID, TENANT_ID] = KEYS;

// What belongs to the invocation under way, for libraries that look for `awslambda.InvokeStore`.
const store = {
  context: undefined,
  getContext: () => store.context,
  hasContext: () => store.context !== undefined,
  get: (key) => store.context?.[key],
  set(key, value) {
    if (KEYS.includes(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    store.context = { ...store.context, [key]: value };
  },
  run(context, work) {
    store.context = context;
    return work();
  },
  isProtectedKey: (key) => KEYS.includes(key),
  getRequestId: () => store.get(REQUEST_ID) ?? "-",
  getXRayTraceId: () => store.get(TRACE_ID),
  getTenantId: () => store.get(TENANT_ID),
};

export async function start(root, whole) {
  provideGlobals({ InvokeStore: store });
  patchConsole(store.getRequestId);
  let handler;
  let how;
  try {
    handler = await load(root, whole);
    how = streaming(handler);
    if (handler.length >= 3 && !how) throw runtimeError("CallbackHandlerDeprecated", CALLBACK);
  } catch (error) {
    logError("Init Error", error);
    await wire.failInit(describe(error));
    throw error;
  }
  for (;;) {
    const { headers, body } = await wire.next();
    const context = contextOf(headers, { xRayTraceId: headers["lambda-runtime-trace-id"] });
    const event = JSON.parse(body);
    const invocation = { [REQUEST_ID]: context.awsRequestId, [TRACE_ID]: context.xRayTraceId };
    await store.run(invocation, () => (how ? runStream(handler, event, context, how) : run(handler, event, context)));
  }
}

async function load(root, whole) {
  const { directory, file, names } = parse(whole);
  const module = await loadWith(async (require) => {
    const base = path.resolve(root, directory, file);
    const found = ["", ".js", ".mjs", ".cjs"].map((end) => base + end).find((name) => fs.existsSync(name));
    if (found) return import(found);
    return require(require.resolve(file, { paths: [root, path.join(root, directory)] }));
  });
  const within = (object) =>
    names.reduce((value, name) => (value && typeof value === "object" ? value[name] : undefined), object);
  return checked(within(module) || ("default" in module ? within(module.default) : undefined), whole);
}

async function run(handler, event, context) {
  try {
    const value = await handler(event, context);
    await turn();
    await wire.answer(context.awsRequestId, serialize(value));
  } catch (error) {
    await turn();
    logError("Invoke Error", error);
    await wire.fail(context.awsRequestId, describe(error));
  }
}

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw runtimeError("JSONStringifyError", "Unable to stringify response body");
  }
}

async function runStream(handler, event, context, { highWaterMark }) {
  const { stream, taken, failWith } = openStream(context.awsRequestId, highWaterMark);
  try {
    const returned = handler(event, stream, context);
    if (typeof returned?.then !== "function") throw new Error("Streaming does not support non-async handlers.");
    if ((await returned) !== undefined) console.warn("Streaming handlers ignore return values.");
    await taken;
    if (!stream.writableFinished) throw new Error("Response stream is not finished.");
    endOfLog();
  } catch (error) {
    await turn();
    logError("Invoke Error", error);
    endOfLog();
    await failWith(describe(error));
  }
}
