// Finds and loads a function's handler. The two families look in the same places and load differently.

import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import { runtimeError } from "./errors.mjs";

const require = createRequire(import.meta.url);
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

// The parts of `src/app.deep.run`.
export function parse(handler) {
  if (handler.includes("..")) {
    const message = `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`;
    throw runtimeError("MalformedHandlerName", message);
  }
  const name = path.basename(handler);
  const dot = name.indexOf(".");
  if (dot < 0) throw runtimeError("MalformedHandlerName", "Bad handler");
  const directory = handler.slice(0, handler.indexOf(name));
  return { directory, file: name.slice(0, dot), names: name.slice(dot + 1).split(".") };
}

export function isTypeModule(directory) {
  for (let at = path.resolve(directory); !at.endsWith("/node_modules"); at = path.dirname(at)) {
    const description = path.join(at, "package.json");
    if (fs.existsSync(description)) {
      try {
        return JSON.parse(fs.readFileSync(description, "utf8")).type === "module";
      } catch (error) {
        console.warn(`${description} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (at === path.dirname(at)) break;
  }
  return false;
}

export async function loadWith(load) {
  try {
    return await load(require);
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError("UserCodeSyntaxError", String(error), error);
    if (error?.code === "MODULE_NOT_FOUND") throw runtimeError("ImportModuleError", String(error));
    throw error;
  }
}

export function checked(found, whole) {
  if (!found) throw runtimeError("HandlerNotFound", `${whole} is undefined or not exported`);
  if (typeof found !== "function") throw runtimeError("HandlerNotFound", `${whole} is not a function`);
  return found;
}

// Whether the handler writes its answer itself, and how much it buffers.
export function streaming(handler) {
  const how = handler[STREAMING];
  if (how === undefined || how === null || how === false) return undefined;
  if (how !== "response") throw runtimeError("MalformedStreamingHandler", "Only response streaming is supported.");
  const mark = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return { highWaterMark: Number.isNaN(mark) ? undefined : mark };
}

// What a function finds as `awslambda`.
export function provideGlobals(more = {}) {
  if (["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    ...globalThis.awslambda,
    ...more,
    streamifyResponse(handler, options) {
      handler[STREAMING] = "response";
      if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {
      // Status and headers go in front of the body: as JSON, then eight zero bytes.
      static from(stream, prelude) {
        stream.setContentType("application/vnd.awslambda.http-integration-response");
        const head = JSON.stringify(prelude);
        stream._onBeforeFirstWrite = (write) => {
          write(head);
          write(new Uint8Array(8));
        };
        return stream;
      }
    },
  };
}
