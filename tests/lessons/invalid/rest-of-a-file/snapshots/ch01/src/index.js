import { log } from './log.js';
import { warn } from './log.js';

export async function handler(event) {
  log(event);
  return greet(event.name);
}

function greet(name) {
  return { greeting: 'Hello, ' + (name ?? 'world') };
}

// The end.
