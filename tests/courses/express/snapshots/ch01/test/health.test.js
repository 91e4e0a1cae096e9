import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withServer } from '../support/with-server.js';

test('the service is healthy', async () => {
  await withServer(async (url) => {
    const response = await fetch(`${url}/health`);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { ok: true });
  });
});
