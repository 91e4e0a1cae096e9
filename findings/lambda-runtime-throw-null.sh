#!/usr/bin/env bash
# aws-lambda-ric 3.3.0 (npm; AWS's own runtime client for Node.js 20 and 22) answers `throw null` with a success.
#
# Expected: whatever a handler throws fails the invocation, as an async handler's `throw null` does.
# Seen:     a handler that is not async and throws null (a rejected value passed on by hand, `if (failed) throw error`
#           with an error that was never set) is answered with the response null. 4.0.2 (Node.js 24) reports an error.
# So:       a caller that looks at FunctionError alone takes the failure for done; throw Errors, or make handlers async.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir sync later
echo 'exports.handler = () => { throw null; };' > sync/index.js
echo 'exports.handler = async () => { throw null; };' > later/index.js
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aws-lambda-ric@3.3.0
sync=$(node "$here/lambda-runtime-api.mjs" node_modules/aws-lambda-ric sync)
later=$(node "$here/lambda-runtime-api.mjs" node_modules/aws-lambda-ric later)
echo "not async: $sync"; echo "async:     $later"
node -e '
const [sync, later] = process.argv.slice(1).map((text) => JSON.parse(text).posted[0]);
const same = sync.path === "invocation/id-1/response" && sync.body === "null" && later.path === "invocation/id-1/error";
process.exit(same ? 0 : 1);' "$sync" "$later"
echo "as described"
