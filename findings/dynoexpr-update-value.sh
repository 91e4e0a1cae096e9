#!/usr/bin/env bash
# @tuplo/dynoexpr 3.5.1 (npm, expressions for DynamoDB) stores the number 1 where the new value was "step-1".
# Seen on 2026-12-01.
#
# Expected: UpdateSet: { step: 'step-1' } sets the attribute to that text, as { step: 'lesson-1' } does; or, if it is taken for a sum of the
#           attribute as 'step - 1' is, the expression has the attribute in it.
# Seen:     neither: where a text is the attribute's own name, a `-` or `+` and digits, the expression is `SET #step = :v` and the value is
#           the number behind the sign: task: 'task-12' is 12, and tag: 'tag-007' is 7. With Update the same. No error.
# So:       names and keys that are made of a kind and a number lose the kind in the table, and are of another type afterwards. Write such
#           an expression by hand, or rename the attribute.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps @tuplo/dynoexpr@3.5.1
cat > update.cjs <<'JS'
const assert = require('node:assert/strict');
const module_ = require('@tuplo/dynoexpr');
const dynoexpr = module_.default ?? module_;
for (const [update, seen] of [
  [{ step: 'lesson-1' }, 'lesson-1'],
  [{ step: 'step-one' }, 'step-one'],
  [{ step: 'step-1' }, 1],
  [{ task: 'task-12' }, 12],
  [{ tag: 'tag-007' }, 7],
]) for (const kind of ['UpdateSet', 'Update']) {
  const { UpdateExpression, ExpressionAttributeValues } = dynoexpr({ [kind]: update });
  const [value] = Object.values(ExpressionAttributeValues);
  console.log(kind, update, UpdateExpression, value);
  assert.match(UpdateExpression, /^SET #\w+ = :\w+$/);
  assert.strictEqual(value, seen);
}
assert.match(dynoexpr({ UpdateSet: { step: 'step - 1' } }).UpdateExpression, /^SET (#\w+) = \1 - :\w+$/);
JS
node update.cjs
echo "as described"
