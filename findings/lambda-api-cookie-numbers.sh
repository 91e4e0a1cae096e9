#!/usr/bin/env bash
# lambda-api 1.5.1 (npm, a web framework for Lambda) makes numbers of cookies.
# Seen on 2026-12-01.
#
# Expected: a cookie's value is a text, as query and headers are: session=12345678901234567890 is that text.
# Seen:     what reads as JSON is taken as JSON: the session is the number 12345678901234567000, version 1.10 is 1.1, 1e5 is 100000, true is true and
#           null is null, and "x" loses its quotes. 0123, which is no JSON, stays a text.
# So:       two long sessions of digits alone can be one number, and a comparison with === fails for those that are. Put a letter in front of what
#           goes into a cookie, or read req.headers.cookie.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts lambda-api@1.5.1
cat > call.cjs <<'JS'
const assert = require('node:assert/strict');
const api = require('lambda-api')();
api.get('/', (req) => req.cookies);
const cookies = ['session=12345678901234567890', 'version=1.10', 'short=1e5', 'zero=0123', 'name=x'];
(async () => {
  const { body } = await api.run({ version: '2.0', rawPath: '/', rawQueryString: '', cookies, headers: { host: 'e.example', cookie: cookies.join('; ') },
    requestContext: { http: { method: 'GET', path: '/', sourceIp: '192.0.2.1' }, stage: '$default' } }, {});
  console.log(body);
  assert.equal(body, '{"session":12345678901234567000,"version":1.1,"short":100000,"zero":"0123","name":"x"}');
})();
JS
node call.cjs
echo "as described"
