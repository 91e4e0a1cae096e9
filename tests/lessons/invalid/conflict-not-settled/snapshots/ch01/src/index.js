import { log } from './log.js';

export async function handler(event) {
  log(event);
  return greet(event.name);
}

function greet(name) {
<<<<<<< ch01
  return { greeting: 'Hello, ' + (name ?? 'world') };
=======
  return { greeting: 'Hello ' + name };
>>>>>>> ch00
}

// The end.
