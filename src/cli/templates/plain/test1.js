import { greet } from './greetings.js';

const demanded = [
  ['hello', 'Ada', 'Hello, Ada!'],
  ['goodbye', 'Ada', 'Goodbye, Ada!'],
];

for (const [kind, name, wanted] of demanded) {
  const got = greet(kind, name);
  if (got !== wanted) {
    console.error(`${kind} ${name}: got ${got}, wanted ${wanted}`);
    process.exit(1);
  }
}
console.log('all as demanded');
