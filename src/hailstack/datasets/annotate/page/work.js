// One picture's lines under this person's hands: changed at once here, sent behind, undone and redone.

import { apply, inverse } from "./lines.js";
import { ask, lines, pause, Refused } from "./server.js";

export const sender = crypto.getRandomValues(new Uint32Array(3)).reduce((text, n) => text + n.toString(36), "");
let number = 0;

export class Work {
  constructor(name, listener) {
    this.name = name;
    this.listener = listener;  // changed(work), synced(work), refused(work, text), conflict(work, conflict)
    this.lines = [];
    this.state = "o";
    this.saved = null;
    this.isLoaded = false;
    this.queue = [];
    this.busy = false;        // something is on its way to the server
    this.answers = 0;         // how often the server has told the lines
    this.isStale = false;     // somebody else has changed them since
    this.isAsking = false;
    this.revision = "";
    this.entries = [];   // groups of edits, oldest first
    this.position = 0;   // how many of them are in force
    this.mark = 0;       // how many were, when the picture was opened or last saved
  }

  get unsaved() { return this.position !== this.mark; }
  get canUndo() { return this.position > 0; }
  get canRedo() { return this.position < this.entries.length; }

  async load() {
    this.adopt(await lines(this.name));
    this.isLoaded = true;
  }

  open() { this.mark = this.position; }

  change(edits) {
    const reached = Math.max(this.position, this.mark);
    const kept = this.entries.slice(0, reached);
    const undone = kept.slice(this.position).reverse().map(inverse);
    this.entries = [...kept, ...undone, edits];
    this.position = this.entries.length;
    this.put(edits, false);
  }

  undo() {
    if (!this.canUndo) return;
    this.position -= 1;
    this.put(inverse(this.entries[this.position]), true);
  }

  redo() {
    if (!this.canRedo) return;
    this.put(this.entries[this.position], true);
    this.position += 1;
  }

  // Take back what was not saved since the picture was opened.
  leave() {
    const steps = this.position - this.mark;
    while (this.position > this.mark) this.undo();
    while (this.position < this.mark) this.redo();
    return steps;
  }

  put(edits, undoes) {
    this.lines = apply(this.lines, edits, !undoes);
    const last = this.queue.at(-1);
    if (last && last.path === "edits" && last.undoes === undoes && !last.number) last.edits.push(...edits);
    else this.queue.push({ path: "edits", edits: [...edits], undoes });
    this.listener.changed(this);
    this.pump();
  }

  save(person) {
    const last = this.queue.at(-1);
    if (last && last.path === "edits" && !last.undoes && !last.number) {
      Object.assign(last, { path: "save", person });
    } else {
      this.queue.push({ path: "save", edits: [], undoes: false, person });
    }
    this.state = "r";
    this.mark = this.position;
    this.listener.changed(this);
    this.pump();
  }

  reopen() {
    this.queue.push({ path: "reopen", edits: [], undoes: false });
    this.pump();
  }

  // Back to the label file; a change like any other, so that it can be undone.
  revert() {
    const saved = this.saved ?? [];
    const gone = this.lines.filter(line => !saved.includes(line)).map(was => ({ was, now: null }));
    const back = saved.filter(line => !this.lines.includes(line)).map(now => ({ was: null, now }));
    if (gone.length + back.length) this.change([...gone, ...back]);
  }

  // Somebody else changed the lines. An answer that was overtaken by another one is not taken.
  async refresh() {
    this.isStale = true;
    if (this.busy || this.isAsking) return;  // looked at again afterwards
    this.isAsking = true;
    while (this.isStale && !this.busy) {
      this.isStale = false;
      const before = this.answers;
      try {
        const answer = await lines(this.name);
        if (this.busy || this.answers !== before) this.isStale = true;
        else this.adopt(answer);
      } catch (error) {
        if (error instanceof Refused) this.listener.refused(this, error.message);
      }
    }
    this.isAsking = false;
  }

  async pump() {
    if (this.busy) return;
    this.busy = true;
    let wait = 250;
    while (this.queue.length) {
      const item = this.queue[0];
      item.number ||= ++number;
      if (wait === 250) this.listener.synced(this, "busy");
      try {
        const answer = await ask(`/api/${item.path}`, { ...body(item), picture: this.name });
        this.queue.shift();
        wait = 250;
        this.adopt(answer);
        answer.conflicts.forEach(conflict => this.listener.conflict(this, conflict));
      } catch (error) {
        if (error instanceof Refused) {
          this.queue.shift();
          this.listener.refused(this, error.message);
          this.adopt(await lines(this.name).catch(() => null));
        } else {
          wait = Math.min(wait * 2, 4000);
          this.listener.synced(this, "offline", error.message);
          await pause(wait);
        }
      }
    }
    this.busy = false;
    this.listener.synced(this, "idle");
    if (this.isStale) this.refresh();
  }

  adopt(answer) {
    if (!answer) return;
    this.answers += 1;
    this.revision = answer.revision;
    this.lines = this.queue.reduce((lines, item) => apply(lines, item.edits, !item.undoes), answer.lines);
    const saving = this.queue.some(item => item.path === "save");
    this.state = saving ? "r" : answer.state;
    this.saved = answer.saved;
    this.listener.changed(this);
  }
}

function body({ path, edits, undoes, number, person }) {
  if (path === "edits") return { edits, undoes, sender, number };
  return path === "save" ? { edits, sender, number, person } : { sender };
}
