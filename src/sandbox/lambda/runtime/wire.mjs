// The Lambda Runtime API: the next invocation, its answer, its error.

import http from "node:http";
import { endOfLog } from "./log.mjs";
import { asOnAws } from "./paths.mjs";

const [address, ...prefix] = process.env.AWS_LAMBDA_RUNTIME_API.split("/");
const [host, port] = address.split(":");
const base = ["", ...prefix, "2018-06-01/runtime"].join("/");
const agent = new http.Agent({ keepAlive: true });

function send(method, resource, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const sent = bytes ? { ...headers, "content-type": "application/json", "content-length": bytes.length } : headers;
    const request = http.request({ host, port, agent, method, path: `${base}/${resource}`, headers: sent }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(bytes);
  });
}

export const next = () => send("GET", "invocation/next");

// Whatever the invocation logged is logged when its answer goes out.
export function answer(id, text) {
  // JSON has no word for a function or a symbol; AWS's native client refuses what is no text.
  if (typeof text !== "string") throw new TypeError("Wrong arguments");
  endOfLog();
  return send("POST", `invocation/${id}/response`, text);
}

export function fail(id, description) {
  endOfLog();
  return send("POST", `invocation/${id}/error`, asOnAws(JSON.stringify(description)), typeOf(description));
}

export function failInit(description) {
  endOfLog();
  return send("POST", "init/error", asOnAws(JSON.stringify(description)), typeOf(description));
}

const typeOf = ({ errorType }) => ({
  "lambda-runtime-function-error-type": asOnAws(errorType ?? "").replace(/[^\x20-\x7e]/g, "?"),
});

// An answer that is sent while it is made. Trailers say how it failed, if it does.
export function openAnswer(id, highWaterMark) {
  const headers = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    Trailer: ["Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"],
    "Content-Type": "application/octet-stream",
    "Transfer-Encoding": "chunked",
  };
  const own = new http.Agent({ keepAlive: true });
  const path = `${base}/invocation/${id}/response`;
  const request = http.request({ host, port, agent: own, method: "POST", path, headers, highWaterMark });
  const taken = new Promise((resolve, reject) => {
    request.on("response", (response) => response.on("end", resolve).on("error", reject).resume());
    request.on("error", reject);
  });
  // Whoever awaits it later hears of it then.
  taken.catch(() => {});
  return { request, taken };
}
