// What a network proposes for the pictures, and which of it people did not want.

import { overlap } from "./lines.js";
import { address } from "./pictures.js";
import { ask } from "./server.js";
import { keep, kept } from "./ui.js";

const SAME = 0.5;  // overlap from which a box and a proposal are of one object

export class Proposals {
  constructor() {
    this.found = new Map();     // picture → proposals, or null while they are being looked for
    this.rejected = new Set();  // proposals
    this.threshold = Number(kept("threshold", "0.4"));
  }

  setThreshold(value) {
    this.threshold = value;
    keep("threshold", value);
  }

  async load(name) {
    if (this.found.has(name)) return;
    this.found.set(name, null);
    try {
      const answer = await ask(address("proposals", name));
      this.found.set(name, answer.map(({ box: [left, top, right, bottom], ...told }) => ({ ...told, left, top, right, bottom, cls: null })));
    } catch (error) {
      this.found.delete(name);
      throw error;
    }
  }

  // Those that are strong enough, wanted, and not there yet.
  open(name, boxes, classes) {
    return (this.found.get(name) ?? []).filter(one => {
      one.cls = one.name ? classOf(one.name, classes) : one.class_id;
      const isThere = boxes.some(box => overlap(box, one) > SAME);
      return one.score >= this.threshold && !this.rejected.has(one) && !isThere;
    });
  }

  reject(proposals) {
    for (const one of proposals) this.rejected.add(one);
  }

  // A box that is deleted is not proposed again.
  rejectLike(name, box) {
    this.reject((this.found.get(name) ?? []).filter(one => overlap(box, one) > SAME));
  }

  hasRejected(name) {
    return (this.found.get(name) ?? []).some(one => this.rejected.has(one));
  }

  showAgain(name) {
    for (const one of this.found.get(name) ?? []) this.rejected.delete(one);
  }
}

export function classOf(name, classes) {
  const exact = classes.indexOf(name);
  if (exact >= 0) return exact;
  const place = classes.findIndex(one => one.toLowerCase() === name.toLowerCase());
  return place >= 0 ? place : null;
}
