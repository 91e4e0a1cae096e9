#!/usr/bin/env bash
# @gethue/sql-formatter 4.0.3 (npm) pulls PostgreSQL's operators apart, with its language "postgresql" too.
#
# Expected: a formatter moves white space around tokens, never into one: `a || b` and `d @> 'y'` come back as they are.
# Seen:     `a | | b` and `d @ > 'y'`, which PostgreSQL refuses (its own parser, pgsql-parser 18.2.8, does). In the default
#           language `!=` becomes `! =` as well. sql-formatter 15.9.0 keeps them.
# So:       formatting on save breaks statements that join text or look into JSON; parse what comes out before it is kept, or use
#           sql-formatter.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm install --silent --no-audit --no-fund @gethue/sql-formatter@4.0.3 sql-formatter@15.9.0 pgsql-parser@18.2.8 >/dev/null
cat > try.js <<'JS'
const assert = require('assert');
const one = require('@gethue/sql-formatter'), two = require('sql-formatter'), own = require('pgsql-parser');
(async () => {
  if (own.loadModule) await own.loadModule();
  const good = async text => { try { await own.parse(text); return true; } catch { return false; } };
  const text = "select a || b from t where d @> 'y' and a != 'x'";
  assert.ok(await good(text));
  const flat = value => value.replace(/\s+/g, ' ');
  const seen = flat(one.format(text, { language: 'postgresql' })), usual = flat(one.format(text));
  const control = flat(two.format(text, { language: 'postgresql' }));
  for (const [name, value] of Object.entries({ seen, usual, control })) console.log(name, '|', value, '|', await good(value));
  assert.match(seen, /a \| \| b/); assert.match(seen, /d @ > 'y'/); assert.match(usual, /a ! = 'x'/);
  assert.ok(!await good(seen)); assert.ok(await good(control));
  assert.match(control, /a \|\| b/); assert.match(control, /d @> 'y'/);
})().catch(error => { console.error(error); process.exit(1); });
JS
node try.js
echo "as described"
