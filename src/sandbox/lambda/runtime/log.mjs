// The console of a function: one line a call, as text or as JSON, and the mark that ends an invocation's log.

import util from "node:util";

const JSON_FORMAT = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const least = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
const METHODS = { trace: "TRACE", debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR", fatal: "FATAL" };

let requestId = () => undefined;

const stdout = process.stdout.write.bind(process.stdout);
const write = (text) => process.stdout.write(text);

// `currentId` gives the id of the invocation under way.
export function patchConsole(currentId) {
  requestId = currentId;
  const line = JSON_FORMAT ? jsonLine : textLine;
  for (const [method, level] of Object.entries(METHODS)) {
    const silent = LEVELS.indexOf(level) < least;
    console[method] = silent ? () => {} : (message, ...rest) => write(`${line(level, message, rest)}\n`);
  }
  console.log = console.info;
}

const textLine = (level, message, rest) =>
  [new Date().toISOString(), String(requestId()), level, util.format(message, ...rest)].join("\t");

function jsonLine(level, message, rest) {
  const record = { timestamp: new Date().toISOString(), level, requestId: requestId() };
  if (rest.length === 0) {
    try {
      return JSON.stringify({ ...record, message }, asRecord);
    } catch {
      return JSON.stringify({ ...record, message: util.format(message) });
    }
  }
  record.message = util.format(message, ...rest);
  const error = rest.find((one) => one instanceof Error);
  if (error) {
    record.errorType = error.constructor?.name ?? "UnknownError";
    record.errorMessage = error.message;
    record.stackTrace = typeof error.stack === "string" ? error.stack.split("\n") : [];
  }
  return JSON.stringify(record);
}

function asRecord(_, value) {
  if (!(value instanceof Error)) return value;
  const stackTrace = typeof value.stack === "string" ? value.stack.split("\n") : value.stack;
  return { errorType: value.constructor?.name ?? "UnknownError", errorMessage: value.message, stackTrace, ...value };
}

// What the runtime says about an error of the function's.
export function logError(title, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (JSON_FORMAT) return console.error(error);
  let text;
  try {
    text = JSON.stringify(error, inFull);
  } catch {
    // What hangs on the error does not go into JSON.
    text = JSON.stringify(describe(error));
  }
  console.error(title, `\t${text}`);
}

function inFull(_, value) {
  if (!(value instanceof Error)) return value;
  const shown = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  if (typeof value.stack === "string") shown.stack = value.stack.split("\n");
  return shown;
}

export const UNTOLD = {
  errorType: "handled",
  errorMessage:
    "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack",
};

// An error as the Runtime API takes it. `isError` says what counts as one.
export function describe(error, isError = (one) => one instanceof Error) {
  const printable = (text) => text?.replaceAll("\x7f", "%7F");
  try {
    if (isError(error)) {
      const trace = printable(error.stack)?.split("\n") ?? [];
      return { errorType: printable(error.name), errorMessage: printable(error.message), trace };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { ...UNTOLD, trace: [] };
  }
}

// Tells the host that this invocation has logged all it will, and the peak memory in KiB. Ends when that is written: an
// answer must not overtake what was logged before it.
export function endOfLog() {
  const mark = `\0workshop:end ${requestId() ?? "init"} ${process.resourceUsage().maxRSS}\n`;
  return new Promise((resolve) => stdout(mark, resolve));
}

// AWS's process is gone while ours still tells why: nothing of the function's is heard any more.
export function silence() {
  for (const stream of [process.stdout, process.stderr]) stream.write = () => true;
}

// Whoever ends the process, the host learns its peak memory.
process.on("exit", endOfLog);
