// The boxes of the picture that is open: which is chosen, and everything that changes them.

import { clamp, format, parse, withClass } from "./lines.js";
import { classOf } from "./proposals.js";
import { lines as linesOf } from "./server.js";
import { at, toast } from "./ui.js";

export class Boxes {
  constructor(app) {
    this.app = app;
    this.parsed = { lines: null, boxes: [] };
    this.chosenLine = null;
    this.chosenProposal = null;
    this.cls = 0;
  }

  get work() { return this.app.work; }
  get isOpen() { return this.app.isOpen; }

  all() {
    if (!this.work) return [];
    if (this.parsed.lines !== this.work.lines) {
      this.parsed = { lines: this.work.lines, boxes: this.work.lines.map(parse).filter(Boolean) };
    }
    return this.parsed.boxes;
  }

  name(cls) { return this.app.classes[cls] ?? String(cls); }

  // ----- choosing

  get chosen() { return this.all().find(box => box.line === this.chosenLine) ?? null; }

  choose(one) {
    const isProposal = Boolean(one && "score" in one);
    this.chosenLine = isProposal ? null : one?.line ?? null;
    this.chosenProposal = isProposal ? one : null;
    this.app.showBoxes();
  }

  chooseNext(step) {
    const inOrder = (a, b) => Math.round(a.top * 12) - Math.round(b.top * 12) || a.left - b.left;
    const all = [...this.all(), ...this.proposals()].sort(inOrder);
    const place = all.indexOf(this.chosen ?? this.chosenProposal);
    const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : (place + step + all.length) % all.length;
    if (!all.length) return;
    this.choose(all[next]);
    this.app.stage.reach(all[next]);
  }

  // ----- changing

  draw(box) {
    if (!this.app.classes.length) {
      toast("This dataset has no class yet: name one on the right.");
      at("new-class-name").focus();
    }
    this.add([format(this.cls, box)]);
  }

  add(lines) {
    const fresh = lines.filter(line => !this.work.lines.includes(line));
    if (!fresh.length) return;
    this.chosenLine = fresh.at(-1);
    this.chosenProposal = null;
    this.work.change(fresh.map(now => ({ was: null, now })));
  }

  reshape(was, box) {
    this.replace(was, format(was.cls, box));
  }

  replace(was, now) {
    if (was.line === now) return;
    this.chosenLine = now;
    this.work.change([{ was: was.line, now }]);
  }

  setClass(cls) {
    this.cls = cls;
    if (this.isOpen && this.chosen) this.replace(this.chosen, withClass(this.chosen.line, cls));
    else if (this.isOpen && this.chosenProposal) this.accept([{ ...this.chosenProposal, cls }]);
    this.app.showBoxes();
  }

  pressClass(cls) {
    if (cls < Math.max(this.app.classes.length, 1)) this.setClass(cls);
    else toast(`There is no class ${cls} yet.`, { ms: 2500 });
  }

  delete() {
    if (this.chosenProposal) {
      this.reject([this.chosenProposal]);
      return;
    }
    const box = this.chosen ?? this.all().at(-1);
    if (!box) return;
    this.chosenLine = null;
    this.app.proposer.rejectLike(this.work.name, box);
    this.work.change([{ was: box.line, now: null }]);
  }

  // By pixels of the picture: the whole box, or its right and lower edge.
  nudge(dx, dy, resizes) {
    const box = this.chosen;
    if (!box?.isBox) return;
    const { width, height } = this.app.stage.view.picture, x = dx / width, y = dy / height;
    if (resizes) {
      const right = clamp(Math.max(box.right + x, box.left + 1 / width));
      const bottom = clamp(Math.max(box.bottom + y, box.top + 1 / height));
      this.reshape(box, { ...box, right, bottom });
    } else {
      this.reshape(box, moved(box, x, y));
    }
  }

  async copyFromBefore() {
    const id = this.app.id, before = this.app.neighbour(-1);
    if (before === undefined) return;
    const { lines } = await linesOf(this.app.overview.names[before]);
    if (this.app.id === id) this.add(lines.filter(line => parse(line)?.isBox));
  }

  // ----- proposals

  proposals() {
    if (!this.app.proposes || !this.isOpen) return [];
    return this.app.proposer.open(this.work.name, this.all(), this.app.classes);
  }

  // The chosen proposal, or the best one.
  get current() {
    return this.chosenProposal ? [this.chosenProposal] : this.proposals().slice(0, 1);
  }

  async accept(proposals) {
    const id = this.app.id, lines = [];
    for (const one of proposals) {
      lines.push(format(one.cls ?? classOf(one.name, this.app.classes) ?? (await this.app.addClass(one.name)), one));
    }
    if (this.app.id !== id) return;
    this.chosenProposal = null;
    this.add(lines);
  }

  reject(proposals) {
    this.app.proposer.reject(proposals);
    this.chosenProposal = null;
    this.app.showBoxes();
  }
}

// Within the picture.
export function moved(box, dx, dy) {
  const x = Math.min(1 - box.right, Math.max(-box.left, dx)), y = Math.min(1 - box.bottom, Math.max(-box.top, dy));
  return { ...box, left: box.left + x, right: box.right + x, top: box.top + y, bottom: box.bottom + y };
}
