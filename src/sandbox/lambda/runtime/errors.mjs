// The runtime's own errors. What is seen of them differs between the families: the later ones hang the name on the error
// itself, where a log shows it, call some classes otherwise, and give a syntax error the stack of the function's own.

const isCurrent = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1] ?? 24) >= 24;
const LATER_CLASSES = {
  HandlerNotFound: "HandlerNotFoundError",
  MalformedHandlerName: "MalformedHandlerNameError",
  CallbackHandlerDeprecated: "CallbackHandlerDeprecatedError",
};
const classes = {};

export function runtimeError(kind, message, cause) {
  const name = `Runtime.${kind}`;
  const className = (isCurrent && LATER_CLASSES[kind]) || kind;
  classes[kind] ??= { [className]: class extends Error {} }[className];
  const error = new classes[kind](message);
  Object.defineProperty(error, "name", { value: name, enumerable: isCurrent, configurable: true, writable: true });
  // The name was not there yet when the stack was taken.
  error.stack = cause && isCurrent ? cause.stack : error.stack.replace(/^Error/, name);
  return error;
}
