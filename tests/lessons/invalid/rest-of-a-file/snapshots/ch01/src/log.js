const level = 1;

export function log(event) {
  console.log(level, event);
}

export function warn(event) {
  console.warn(level, event);
}
