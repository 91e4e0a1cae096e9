// Sends connections to Aurora DSQL's host names to the sandbox's proxy on this machine.
// Only the address changes: the host name stays what it was for TLS and for the token.
"use strict";

const dns = require("node:dns");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");

const CLUSTER = /^[a-z0-9]+\.dsql\.[a-z0-9-]+\.on\.aws$/i;
const HERE = { address: "127.0.0.1", family: 4 };

// A sandbox that was started again listens on another port: ask each time.
function proxyPort() {
  const given = Number(process.env.WORKSHOP_DSQL_PORT);
  if (given) return given;
  try {
    return Number(JSON.parse(fs.readFileSync(path.join(__dirname, "sandbox.json"), "utf8")).dsql_port) || 0;
  } catch {
    return 0;
  }
}

const isCluster = (host) => typeof host === "string" && CLUSTER.test(host);

const lookup = dns.lookup;
dns.lookup = function (host, options, callback) {
  if (typeof options === "function") [options, callback] = [{}, options];
  if (!isCluster(host)) return lookup.call(this, host, options, callback);
  const all = typeof options === "object" && options?.all;
  process.nextTick(() => (all ? callback(null, [HERE]) : callback(null, HERE.address, HERE.family)));
  return {};
};

const promised = dns.promises.lookup;
dns.promises.lookup = async function (host, options) {
  if (!isCluster(host)) return promised.call(this, host, options);
  return options?.all ? [HERE] : HERE;
};

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  // Node passes its own normalised arguments as one array.
  const list = Array.isArray(args[0]) ? args[0] : args;
  const [first, second] = list;
  if (first !== null && typeof first === "object") {
    if (isCluster(first.host) && Number(first.port) === 5432) {
      const port = proxyPort();
      if (port) list[0] = { ...first, host: HERE.address, port };
    }
  } else if (isCluster(second) && Number(first) === 5432) {
    const port = proxyPort();
    if (port) [list[0], list[1]] = [port, HERE.address];
  }
  return connect.apply(this, args);
};
