import { makeApp } from './app.js';

const port = Number(process.env.PORT ?? 3000);
makeApp().listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`));
