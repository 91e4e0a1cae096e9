import express from 'express';

export function makeApp() {
  const app = express();
  app.use(express.json());
  const notes = [];

  app.get('/health', (request, response) => {
    response.json({ ok: true });
  });

  app.post('/notes', (request, response) => {
    const text = request.body?.text;
    if (typeof text !== 'string' || text.trim() === '') {
      response.status(400).json({ error: 'a note needs a text' });
      return;
    }
    const note = { id: notes.length + 1, text };
    notes.push(note);
    response.status(201).json(note);
  });

  app.get('/notes', (request, response) => {
    response.json(notes);
  });

  return app;
}
