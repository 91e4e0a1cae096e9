#!/usr/bin/env bash
# yaml-diff-patch 2.0.0 (npm, edits YAML by a JSON Patch and keeps comments) mixes up the items of a list.
#
# Expected: when the first step of a lesson is taken out, the comments of the others stay with their steps, which is what it is for;
#           and a patch's `add` at a place in a list puts the item in there, as RFC 6902 and the package rfc6902 5.4.0 have it.
# Seen:     yamlOverwrite() and yamlDiffPatch() write the values of each step over those of the one before: the comments stay at their
#           places in the list, now above other steps, and those behind a changed value are lost. yamlPatch() with `add` at /steps/0
#           replaces the step that stood there: a patch that rfc6902 made of four steps, which is what its page advises, gives three.
# So:       warnings stand above the wrong step, a step is gone, all without an error. Compare the values after each patch, and
#           edit lists with the package yaml's own document.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts yaml-diff-patch@2.0.0 rfc6902@5.4.0 yaml@2.9.1
cat > lesson.yaml <<'YAML'
steps:
  # needs the cluster
  - name: connect
    budget: 5m # measured
  # takes away the table
  - name: drop
    budget: 20m # slow on purpose
  # harmless
  - name: check
    budget: 1m
YAML
cat > try.mjs <<'JS'
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { applyPatch, createPatch } from 'rfc6902';
import { parse } from 'yaml';
import patching from 'yaml-diff-patch';

const text = readFileSync('lesson.yaml', 'utf8');
const before = parse(text);
const without = { steps: before.steps.slice(1) };
const above = (out, step) => out.split('\n')[out.split('\n').findIndex((line) => line.includes(`name: ${step}`)) - 1].trim();

const overwritten = patching.yamlOverwrite(text, without);
const diffed = patching.yamlDiffPatch(text, before, without);
console.log(`== without "connect"\n${overwritten}`);
assert.deepEqual(parse(overwritten), without);
for (const out of [overwritten, diffed]) {
  assert.deepEqual([above(out, 'drop'), above(out, 'check')], ['# needs the cluster', '# takes away the table']);
  assert(!out.includes('slow on purpose') && !out.includes('harmless'));
}

const longer = { steps: [{ name: 'login', budget: '2m' }, ...before.steps] };
const patch = createPatch(before, longer);
const byPatch = structuredClone(before);
applyPatch(byPatch, patch);
assert.deepEqual(byPatch, longer);
const patched = patching.yamlPatch(text, patch);
console.log(`== ${JSON.stringify(patch)}\n${patched}`);
assert.deepEqual(patch.map(({ op, path }) => [op, path]), [['add', '/steps/0']]);
assert.deepEqual(parse(patched).steps.map(({ name }) => name), ['login', 'drop', 'check']);
JS
node try.mjs
echo "as described"
