#!/usr/bin/env bash
# @effect-aws/dsql 0.1.0 (npm, Effect's layer over AWS's DSQL signer) hands a token that cannot be made on as a defect.
#
# Expected: credentials that have ended or cannot be read are an error like any other, in the effect's error channel, so
#           that Effect.catchAll and Effect.retry see them.
# Seen:     the type says `Effect<string>`, with no error, and the refusal is a defect: catchAll is passed over, retry does
#           not try again, and the fiber dies. The signer beneath, called by itself, rejects as usual.
# So:       put Effect.sandbox or Effect.catchAllDefect around it, or call the signer with Effect.tryPromise.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @effect-aws/dsql@0.1.0 effect@3.15.5 @aws-sdk/dsql-signer@3.1137.0
cat > token.mjs <<'JS'
import assert from 'node:assert/strict';
import { Cause, Effect, Exit } from 'effect';
import { DsqlSigner } from '@effect-aws/dsql';
import { DsqlSigner as Signer } from '@aws-sdk/dsql-signer';

let asked = 0;
const ended = async () => { asked += 1; throw new Error('the session has ended'); };
const config = { hostname: 'abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws', region: 'us-east-1', credentials: ended };
await assert.rejects(new Signer(config).getDbConnectAuthToken(), /has ended/);

asked = 0;
const token = DsqlSigner.getDbConnectAuthToken().pipe(
  Effect.retry({ times: 2 }),
  Effect.catchAll(() => Effect.succeed('caught')),
  Effect.provide(DsqlSigner.layer(config)),
);
const exit = await Effect.runPromiseExit(token);
console.log(Exit.isFailure(exit) ? `a defect: ${Cause.isDie(exit.cause)}, asked ${asked} time(s)` : exit.value);
assert.ok(Exit.isFailure(exit) && Cause.isDie(exit.cause));
assert.equal(asked, 1);

const caught = await Effect.runPromise(DsqlSigner.getDbConnectAuthToken().pipe(
  Effect.catchAllDefect(() => Effect.succeed('caught')), Effect.provide(DsqlSigner.layer(config))));
assert.equal(caught, 'caught');
console.log('as described');
JS
node token.mjs
