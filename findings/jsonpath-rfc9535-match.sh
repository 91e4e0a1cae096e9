#!/usr/bin/env bash
# jsonpath-rfc9535 1.3.0 (npm) lets match() find a part of a string when the pattern has alternatives.
#
# Expected: RFC 9535's match() asks whether the whole string fits, search() whether a part does; so match(@, 'a|b') is true for
#           "a" and "b" alone, as jsonpath-js 0.3.1 and json-p3 2.3.1 have it.
# Seen:     "ab", "ac" and "xb" are in the result as well: the ends of the string bind to the first and the last alternative
#           only. With brackets around the alternatives it is right.
# So:       a check like match(@.status, 'ACTIVE|CREATING|IDLE') lets "ACTIVE_WITH_ERRORS" and "NOT_IDLE" pass. Write
#           '(ACTIVE|CREATING|IDLE)'.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund jsonpath-rfc9535@1.3.0 jsonpath-js@0.3.1 json-p3@2.3.1 >/dev/null
cat > try.js <<'JS'
const assert = require('assert');
const seen = require('jsonpath-rfc9535'), js = require('jsonpath-js'), p3 = require('json-p3');
const words = ['ACTIVE', 'CREATING', 'IDLE', 'ACTIVE_WITH_ERRORS', 'NOT_IDLE', 'FAILED'];
const plain = "$[?match(@, 'ACTIVE|CREATING|IDLE')]", grouped = "$[?match(@, '(ACTIVE|CREATING|IDLE)')]";
const all = {
  'jsonpath-rfc9535': q => seen.query(words, q),
  'jsonpath-js': q => new (js.JSONPathJS ?? js.default)(q).find(words),
  'json-p3': q => p3.jsonpath.query(q, words).values(),
};
const good = ['ACTIVE', 'CREATING', 'IDLE'];
for (const [name, query] of Object.entries(all)) console.log(name, JSON.stringify(query(plain)), JSON.stringify(query(grouped)));
assert.deepStrictEqual(all['jsonpath-rfc9535'](plain), [...good, 'ACTIVE_WITH_ERRORS', 'NOT_IDLE']);
assert.deepStrictEqual(all['jsonpath-rfc9535'](grouped), good);
for (const name of ['jsonpath-js', 'json-p3']) assert.deepStrictEqual(all[name](plain), good);
JS
node try.js
echo "as described"
