// nodejs20.x and nodejs22.x: a handler answers by its promise, its callback or its context, whichever is first; one that
// does none of it answers null when nothing is left to wait for. What goes wrong outside of it fails the invocation under
// way and ends the process.

import fs from "node:fs";
import path from "node:path";
import util from "node:util";
import { contextOf } from "./context.mjs";
import { UNTOLD, describe, endOfLog, logError, patchConsole, silence } from "./log.mjs";
import { runtimeError } from "./errors.mjs";
import { checked, isTypeModule, loadWith, parse, provideGlobals, streaming } from "./module.mjs";
import { openStream } from "./stream.mjs";
import * as wire from "./wire.mjs";

const REQUEST_ID = Symbol.for("aws.lambda.runtime.requestId");
const text = (value) => typeof value === "string" && value !== "";
const isError = (one) =>
  util.types.isNativeError(one) || (one && text(one.name) && text(one.message) && text(one.stack));
function described(error) {
  // Its runtime takes the stack to be a text, and has one word for an error of which it cannot be told.
  if (isError(error) && typeof error.stack !== "string") return UNTOLD;
  return describe(error, isError);
}

// What to do when nothing is left to wait for.
let onEmptyLoop = () => {};
let dying = false;

export async function start(root, whole) {
  patchConsole(() => globalThis[REQUEST_ID]);
  process.on("uncaughtException", (error) => die("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) => {
    const error = runtimeError("UnhandledPromiseRejection", String(reason));
    die("Unhandled Promise Rejection", Object.assign(error, { reason, promise }), 128);
  });
  process.on("beforeExit", () => onEmptyLoop());
  provideGlobals();
  let handler;
  let how;
  try {
    handler = await load(root, whole);
    how = streaming(handler);
  } catch (error) {
    return die("Uncaught Exception", error, 129);
  }
  for (;;) {
    const { headers, body } = await wire.next();
    globalThis[REQUEST_ID] = headers["lambda-runtime-aws-request-id"];
    if (how) await runStream(handler, body, headers, how);
    else await run(handler, body, headers);
    onEmptyLoop = () => {};
    // The process is on its way out: its error is the answer.
    if (dying) return;
  }
}

// Outside any handler's promise: the invocation under way fails, or the start does.
async function die(title, error, code) {
  if (dying) return;
  dying = true;
  const id = globalThis[REQUEST_ID];
  logError(title, error);
  const posted = id ? wire.fail(id, described(error)) : wire.failInit(described(error));
  silence();
  try {
    await posted;
  } finally {
    process.exit(code);
  }
}

async function load(root, whole) {
  const { directory, file, names } = parse(whole);
  const module = await loadWith(async (require) => {
    const base = path.resolve(root, directory, file);
    if (fs.existsSync(base)) return require(base);
    const module = isTypeModule(path.dirname(base));
    const [js, mjs, cjs] = [".js", ".mjs", ".cjs"].map((end) => base + end);
    if (fs.existsSync(js)) return module ? import(js) : require(js);
    if (fs.existsSync(mjs)) return import(mjs);
    return require(fs.existsSync(cjs) ? cjs : require.resolve(file, { paths: [root, directory] }));
  });
  return checked(
    names.reduce((value, name) => value && value[name], module),
    whole,
  );
}

function run(handler, body, headers) {
  const id = headers["lambda-runtime-aws-request-id"];
  return new Promise((done) => {
    let waits = true;
    let settled = false;
    let answered = false;
    const answer = (value) => {
      if (answered) return console.error("Invocation has already been reported as done. Cannot call complete more than once per invocation.");
      answered = true;
      const text = serialize(value);
      if (typeof text !== "string") throw new TypeError("Wrong arguments");
      if (!dying) wire.answer(id, text).then(done);
    };
    const refuse = (error) => {
      logError("Invoke Error", error);
      if (!dying) wire.fail(id, described(error)).then(done);
    };
    const settle = (error, value, later) => {
      onEmptyLoop = () => {};
      if (error !== undefined && error !== null) refuse(error);
      else if (later) onEmptyLoop = () => setImmediate(() => answer(value));
      else answer(value);
    };
    // One that throws on its way, as an answer does that is no JSON, has not been the first.
    const first = (act) => (...given) => {
      if (settled) return;
      act(...given);
      settled = true;
    };
    const callback = first((error, value) => settle(error, value, waits));
    const context = contextOf(headers, {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: first((value) => settle(null, value)),
      fail: first((error) => settle(error ?? "handled", null)),
      done: first((error, value) => settle(error, value)),
    });
    onEmptyLoop = () => {
      answered = true;
      onEmptyLoop = () => {};
      wire.answer(id, "null").then(done);
    };
    try {
      const returned = handler(JSON.parse(body), context, callback);
      if (typeof returned?.then === "function") returned.then(context.succeed, context.fail).catch(context.fail);
    } catch (error) {
      callback(error);
    }
  });
}

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw new Error("Unable to stringify response body");
  }
}

async function runStream(handler, body, headers, { highWaterMark }) {
  const { stream, taken, failWith } = openStream(headers["lambda-runtime-aws-request-id"], highWaterMark);
  let waits = true;
  const context = contextOf(headers, {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waits = value;
    },
  });
  const refuse = async (error) => {
    logError("Invoke Error", error);
    endOfLog();
    await failWith(described(error));
  };
  // A handler that never ends, with nothing left to wait for, is over.
  const empty = new Promise((resolve) => (onEmptyLoop = resolve));
  const work = async () => {
    try {
      const returned = handler(JSON.parse(body), stream, context);
      if (typeof returned?.then !== "function") return await refuse("Streaming does not support non-async handlers.");
      if ((await returned) !== undefined) console.warn("Streaming handlers ignore return values.");
      await taken;
      if (!stream.writableFinished) return await refuse("Response stream is not finished.");
      endOfLog();
      if (waits) await empty;
    } catch (error) {
      await refuse(error);
    }
  };
  await Promise.race([work(), empty]);
}
