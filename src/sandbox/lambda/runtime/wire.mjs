// The Lambda Runtime API: the next invocation, its answer, its error.
//
// Over sockets of its own: what a call costs is most of what a short invocation costs. The sandbox answers an answer with
// the invocation that follows it, where it is asked to; another Runtime API does not, and is asked for it.

import http from "node:http";
import net from "node:net";
import { endOfLog } from "./log.mjs";
import { asOnAws } from "./paths.mjs";

const [address, ...prefix] = process.env.AWS_LAMBDA_RUNTIME_API.split("/");
const [host, port] = address.split(":");
const base = ["", ...prefix, "2018-06-01/runtime"].join("/");
const END_OF_HEAD = Buffer.from("\r\n\r\n");
const free = [];

// One request at a time on each; a socket with none keeps no process alive.
class Connection {
  held = Buffer.alloc(0);
  request = undefined;

  constructor() {
    this.socket = net.connect({ host, port: Number(port), noDelay: true });
    this.socket.on("data", (chunk) => this.take(chunk));
    this.socket.on("error", (error) => this.request?.reject(error));
    this.socket.on("close", () => {
      if (free.includes(this)) free.splice(free.indexOf(this), 1);
      this.request?.reject(new Error("the Runtime API has hung up"));
    });
  }

  send(head, body) {
    this.socket.ref();
    return new Promise((resolve, reject) => {
      this.request = { resolve, reject };
      this.socket.cork();
      this.socket.write(head);
      if (body) this.socket.write(body);
      this.socket.uncork();
    });
  }

  take(chunk) {
    this.held = this.held.length ? Buffer.concat([this.held, chunk]) : chunk;
    const end = this.held.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const lines = this.held.toString("latin1", 0, end).split("\r\n").slice(1);
    const pairs = lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]);
    const headers = Object.fromEntries(pairs);
    const until = end + END_OF_HEAD.length + Number(headers["content-length"] ?? 0);
    if (this.held.length < until) return;
    const body = this.held.toString("utf8", end + END_OF_HEAD.length, until);
    this.held = this.held.subarray(until);
    const { resolve } = this.request;
    this.request = undefined;
    this.socket.unref();
    free.push(this);
    resolve({ headers, body });
  }
}

function send(method, resource, body, headers = {}) {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const length = bytes ? { "Content-Type": "application/json", "Content-Length": bytes.length } : {};
  const lines = Object.entries({ Host: address, ...length, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${base}/${resource} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return (free.pop() ?? new Connection()).send(head, bytes);
}

const isInvocation = ({ headers }) => headers["lambda-runtime-aws-request-id"] !== undefined;
// What came, or is to come, as the answer to an answer.
let following;
let begun = false;

export async function next() {
  // What the start has logged is none of the first invocation's.
  if (!begun) await endOfLog();
  begun = true;
  const came = await following;
  following = undefined;
  return came && isInvocation(came) ? came : send("GET", "invocation/next");
}

// Whatever the invocation logged is logged when its answer goes out.
export async function answer(id, text) {
  // JSON has no word for a function or a symbol; AWS's native client refuses what is no text.
  if (typeof text !== "string") throw new TypeError("Wrong arguments");
  await endOfLog();
  following = send("POST", `invocation/${id}/response`, text, { "Workshop-Next": "1" });
  // Whoever asks for the next invocation hears of it.
  following.catch(() => {});
}

export async function fail(id, description) {
  await endOfLog();
  return send("POST", `invocation/${id}/error`, asOnAws(JSON.stringify(description)), typeOf(description));
}

export async function failInit(description) {
  await endOfLog();
  return send("POST", "init/error", asOnAws(JSON.stringify(description)), typeOf(description));
}

const typeOf = ({ errorType }) => ({
  "Lambda-Runtime-Function-Error-Type": asOnAws(errorType ?? "").replace(/[^\x20-\x7e]/g, "?"),
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
