const NAME = 'world';

export async function handler(event) {
  return greet(event.name);
}

function greet(name) {
  return { greeting: 'Hello, ' + name };
}

// The end.
