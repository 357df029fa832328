// Lines of a label file: `class cx cy w h` in shares of the picture. A line's text is its identity, here as on the server.

export function parse(line) {
  const [cls, ...values] = line.split(/\s+/).map(Number);
  if (!Number.isInteger(cls) || values.length < 4 || values.some(value => !Number.isFinite(value))) return null;
  if (values.length === 4) return { line, cls, ...fromCentre(values), isBox: true };
  return { line, cls, ...around(values), isBox: false };
}

export function format(cls, box) {
  const left = clamp(Math.min(box.left, box.right)), right = clamp(Math.max(box.left, box.right));
  const top = clamp(Math.min(box.top, box.bottom)), bottom = clamp(Math.max(box.top, box.bottom));
  return [cls, ...[(left + right) / 2, (top + bottom) / 2, right - left, bottom - top].map(value => value.toFixed(6))].join(" ");
}

export function withClass(line, cls) {
  return line.replace(/^\S+/, String(cls));
}

// What the server does with edits, done at once here.
export function apply(lines, edits, keep = true) {
  const found = [...lines];
  for (const { was, now } of edits) {
    const place = was === null ? -1 : found.indexOf(was);
    if (place >= 0) found.splice(place, 1, ...(now === null ? [] : [now]));
    else if (now !== null && !found.includes(now) && (keep || was === null)) found.push(now);
  }
  return found;
}

export function inverse(edits) {
  return edits.map(({ was, now }) => ({ was: now, now: was })).reverse();
}

export function overlap(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  return width * height / (area(a) + area(b) - width * height);
}

export function area(box) {
  return (box.right - box.left) * (box.bottom - box.top);
}

export const clamp = value => Math.min(1, Math.max(0, value));

function fromCentre([x, y, width, height]) {
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

// Outlines (an even number of values) and boxes with key points (the first four are the box).
function around(values) {
  if (values.length % 2 === 1) return { ...fromCentre(values), outline: null };
  const xs = values.filter((_, i) => i % 2 === 0), ys = values.filter((_, i) => i % 2 === 1);
  const outline = xs.map((x, i) => [x, ys[i]]);
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys), outline };
}
