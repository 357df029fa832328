// The colour of a class: the same as on the pictures that hailstack draws.

const GOLDEN = 0.618033988749895;

function channels(cls) {
  const hue = ((0.35 + cls * GOLDEN) % 1) * 6, part = hue % 1, full = 0.95, low = full * 0.15;
  const up = full * (1 - 0.85 * (1 - part)), down = full * (1 - 0.85 * part);
  return [[full, up, low], [down, full, low], [low, full, up], [low, down, full], [up, low, full], [full, low, down]][Math.floor(hue)];
}

export function colour(cls, alpha = 1) {
  const [red, green, blue] = channels(cls).map(value => Math.round(value * 255));
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

export function ink(cls) {
  const [red, green, blue] = channels(cls);
  return 0.3 * red + 0.59 * green + 0.11 * blue > 0.42 ? "#0b0e13" : "#ffffff";
}

// People have colours of their own, softer ones.
export function personColour(id) {
  return `hsl(${parseInt(id.slice(0, 4), 16) % 360} 65% 68%)`;
}
