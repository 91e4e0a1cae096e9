#!/usr/bin/env bash
# aws-lambda-ric 3.3.0 (npm; AWS's own runtime client for Node.js 20 and 22) logs `undefined` for console.log().
#
# Expected: console.log() without arguments writes an empty line, as Node.js itself and util.format() have it.
# Seen:     a line whose message is the word "undefined". 4.0.2 (Node.js 24) does the same.
# So:       blank lines that a library prints between its paragraphs turn up as "undefined" in CloudWatch Logs, and an
#           alarm on that word fires on a function that is well.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir function
echo 'exports.handler = async () => { console.log(); return 1; };' > function/index.js
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aws-lambda-ric@3.3.0
seen=$(node "$here/lambda-runtime-api.mjs" node_modules/aws-lambda-ric function)
echo "$seen"
node -e '
const { log, posted } = JSON.parse(process.argv[1]);
process.exit(posted[0].body === "1" && /\tINFO\tundefined/.test(log) && require("node:util").format() === "" ? 0 : 1);' "$seen"
echo "as described"
