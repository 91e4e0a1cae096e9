import express from 'express';

export function makeApp() {
  const app = express();
  app.use(express.json());

  app.get('/health', (request, response) => {
    response.json({ ok: true });
  });

  return app;
}
