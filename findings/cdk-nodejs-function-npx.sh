#!/usr/bin/env bash
# aws-cdk-lib 2.276.0 (npm): NodejsFunction starts npx for each function that it bundles, also when esbuild is
# installed in the project.
#
# Expected: with esbuild in the project's node_modules its binary is started, as its own documentation of local bundling
#           leads to think.
# Seen:     each function's bundle is a shell command that begins with `npx --no-install esbuild`. npx looks the package
#           up for about half a second of processor time, several times what esbuild takes for a small handler; a synth of
#           three functions starts it three times.
# So:       a project whose synth is slow puts a program named npx on PATH before npm's that starts the binary itself for
#           `--no-install esbuild`, or bundles beforehand and deploys with lambda.Code.fromAsset.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund aws-cdk-lib@2.276.0 constructs@10.8.1 esbuild@0.28.2
mkdir front
real=$(command -v npx)
printf '#!/bin/sh\necho "npx $*" | cut -c1-60 >> "%s/calls"\nexec "%s" "$@"\n' "$dir" "$real" > front/npx
chmod +x front/npx
for n in 1 2 3; do echo "exports.handler = async () => $n;" > "f$n.js"; done
cat > app.js <<'JS'
const { App, Stack } = require('aws-cdk-lib');
const { NodejsFunction } = require('aws-cdk-lib/aws-lambda-nodejs');
const stack = new Stack(new App({ outdir: 'out' }), 'S');
for (const n of [1, 2, 3]) new NodejsFunction(stack, `F${n}`, { entry: `f${n}.js`, depsLockFilePath: 'package-lock.json' });
stack.node.root.synth();
JS
PATH="$dir/front:$PATH" node app.js >/dev/null 2>err || { cat err; exit 1; }
cat calls
test "$(grep -c '^npx --no-install esbuild --bundle' calls)" -eq 3
echo "as described"
