// Where a picture's pixels come from.

let key = "";  // of the server's start: what a browser has kept of another dataset is not this one's

export function setKey(value) { key = value; }

export function address(kind, name) {
  return `/api/${kind}?picture=${encodeURIComponent(name)}&key=${key}`;
}
