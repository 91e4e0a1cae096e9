#!/usr/bin/env bash
# svg-term 2.0.3 (npm), which turns asciicasts into SVG, cannot be loaded after it alone is installed.
#
# Expected: `npm install svg-term`, then `require('svg-term')` gives `render`, as its page shows it.
# Seen:     "Cannot find module '@emotion/styled'": the package needs it and does not name it among its dependencies, nor
#           among its peers. The command line svg-term-cli 2.1.1 brings what is missing, and works.
# So:       render recordings with svg-term-cli, or install what is missing beside the library.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
mkdir alone cli
printf '%s\n' '{"version": 2, "width": 40, "height": 5}' '[0.1, "o", "hello\r\n"]' '[0.5, "o", "world\r\n"]' > demo.cast
cd alone
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts svg-term@2.0.3
said=$(node -e "require('svg-term')" 2>&1 || true)
grep -F "Cannot find module '@emotion/styled'" <<<"$said"
node -e "
  const named = require('svg-term/package.json');
  const all = Object.keys({ ...named.dependencies, ...named.peerDependencies, ...named.optionalDependencies });
  console.log('named:', all.join(' '));
  if (all.some((name) => name.startsWith('@emotion/'))) process.exit(1);
"
cd ../cli
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts svg-term-cli@2.1.1
timeout 60 node_modules/.bin/svg-term --in ../demo.cast --out demo.svg
grep -c world demo.svg
echo "as described"
