// The stream that a handler made by `awslambda.streamifyResponse` writes its answer to.

import { openAnswer } from "./wire.mjs";
import { runtimeError } from "./errors.mjs";

// All that a handler may touch of the request behind it.
const METHODS = [
  ...["cork", "destroy", "end", "uncork", "write", "setContentType"],
  ...["addListener", "emit", "eventNames", "getMaxListeners", "listenerCount", "listeners", "off", "on", "once"],
  ...["prependListener", "prependOnceListener", "rawListeners", "removeAllListeners", "removeListener", "setMaxListeners"],
];
const READABLE = [
  ...["writableFinished", "writableObjectMode", "writableEnded", "writableNeedDrain", "writableHighWaterMark"],
  ...["writableCorked", "writableLength", "writable"],
];

export function openStream(id, highWaterMark) {
  const { request, taken } = openAnswer(id, highWaterMark);
  let begun = false;
  request.setContentType = (type) => {
    if (begun) throw runtimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
    request.setHeader("Content-Type", type);
  };
  const write = request.write.bind(request);
  request.write = (chunk, encoding, callback) => {
    const bytes = typeof chunk === "string" || Buffer.isBuffer(chunk) || chunk instanceof Uint8Array;
    if (!begun) request._onBeforeFirstWrite?.((head) => write(head));
    begun = true;
    return write(bytes ? chunk : JSON.stringify(chunk), encoding, callback);
  };
  const stream = {};
  for (const method of METHODS) stream[method] = request[method].bind(request);
  for (const property of READABLE) Object.defineProperty(stream, property, { get: () => request[property] });
  for (const property of ["destroyed", "_onBeforeFirstWrite"]) {
    Object.defineProperty(stream, property, { get: () => request[property], set: (value) => (request[property] = value) });
  }
  const failWith = (description) =>
    new Promise((resolve) => {
      request.addTrailers({
        "Lambda-Runtime-Function-Error-Type": description.errorType,
        "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(description)).toString("base64"),
      });
      request.end(resolve);
    });
  return { stream, taken, failWith };
}
