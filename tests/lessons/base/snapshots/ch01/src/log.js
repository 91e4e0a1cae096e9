export const log = (event) => console.log(JSON.stringify(event));
