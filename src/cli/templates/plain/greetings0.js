import { pathToFileURL } from 'node:url';

const greetings = {
  hello: (name) => `Hello, ${name}!`,
};

export function greet(kind, name) {
  return greetings[kind]?.(name) ?? `nobody has taught me "${kind}"`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(greet(...process.argv.slice(2)));
}
