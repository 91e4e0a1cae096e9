import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withServer } from '../support/with-server.js';

const post = (url, body) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('a note is kept', async () => {
  await withServer(async (url) => {
    const created = await post(`${url}/notes`, { text: 'water the plants' });
    assert.equal(created.status, 201);
    assert.deepEqual(await created.json(), { id: 1, text: 'water the plants' });
    const all = await fetch(`${url}/notes`);
    assert.deepEqual(await all.json(), [{ id: 1, text: 'water the plants' }]);
  });
});
