// The page as a whole: which picture is open, what the keys do, what is shown where.

import { personColour } from "./colours.js";
import { clamp, format, parse, withClass } from "./lines.js";
import { bindKeys } from "./keys.js";
import { showClasses, showObjects, showProposals } from "./panel.js";
import { classOf, Proposals } from "./proposals.js";
import { ask, Live } from "./server.js";
import { Stage } from "./stage.js";
import { Tiles } from "./tiles.js";
import { at, keep, kept, make, toast } from "./ui.js";
import { sender, Work } from "./work.js";

const STATES = { o: "open", d: "draft", l: "labelled", r: "reviewed" };
const FILTERS = [
  ["All", () => true],
  ["Open", state => state === "o"],
  ["Drafts", state => state === "d"],
  ["Labelled, not reviewed", state => state === "l"],
  ["Reviewed", state => state === "r"],
  ["Nothing in it", (state, count) => state === "r" && !count],
];

class App {
  constructor() {
    this.id = null;
    this.work = null;
    this.works = new Map();
    this.parsed = { lines: null, boxes: [] };
    this.chosenLine = null;
    this.chosenProposal = null;
    this.cls = 0;
    this.classes = [];
    this.proposer = new Proposals();
    this.proposes = false;
    this.people = [];
    this.me = "";
    this.person = kept("name", "");
    this.filter = 0;
    this.unsent = new Set();
    this.isLinked = false;
    this.stage = new Stage(at("stage"), at("boxes"), at("picture"), this);
    const fill = (tile, id) => this.fillTile(tile, id), pick = id => this.go(id);
    this.strip = new Tiles(at("strip"), { width: 148, height: 104 }, fill, pick);
    this.grid = new Tiles(at("grid"), { width: 208, height: 168 }, fill, pick);
  }

  async start() {
    await this.readDataset();
    this.live = new Live(message => this.heard(message), isLinked => this.linked(isLinked));
    this.live.tell({ name: this.person });
    addEventListener("hashchange", () => this.follow());
    addEventListener("beforeunload", event => { if (this.unsent.size) event.preventDefault(); });
    bindKeys(this);
    this.bindButtons();
    await this.follow();
  }

  async readDataset() {
    const found = await ask("/api/dataset");
    this.names = found.names;
    this.states = [...found.states];
    this.counts = found.counts;
    this.classes = found.classes;
    this.proposes = found.proposes;
    at("title").textContent = found.title;
    document.title = `${found.title} – Hailstack annotate`;
    this.applyFilter();
    this.showProgress();
  }

  // ----- which picture

  get isOpen() { return this.work?.isLoaded === true && this.isShown; }

  async follow() {
    const number = location.hash.match(/^#\/(\d+)$/);
    if (number && Number(number[1]) < this.names.length) await this.open(Number(number[1]));
    else this.close();
  }

  go(id) {
    if (id === undefined || id === null) return;
    location.hash = `#/${id}`;
  }

  async open(id) {
    this.id = id;
    this.isShown = false;
    this.chosenLine = this.chosenProposal = null;
    at("banner").hidden = true;
    document.body.classList.remove("in-grid");
    this.work = this.works.get(id) ?? new Work(id, this);
    this.works.set(id, this.work);
    this.work.open();
    this.live.tell({ at: id });
    at("name").textContent = this.names[id];
    this.strip.refreshAll();
    this.strip.reach(id);
    this.showAll();
    const [shown] = await Promise.all([this.showPicture(id), this.loadWork(this.work)]);
    if (this.id !== id || !shown) return;
    this.isShown = true;
    this.showAll();
    this.propose(id);
    this.prefetch();
  }

  async loadWork(work) {
    if (work.isLoaded) { work.refresh(); return; }
    try {
      await work.load();
    } catch (error) {
      this.trouble(error.message);
    }
  }

  async showPicture(id) {
    const image = at("picture"), url = `/api/pictures/${id}/image`;
    at("trouble").hidden = true;
    image.classList.add("loading");
    const next = new Image();
    next.src = url;
    try {
      await next.decode();
    } catch {
      const told = await ask(url).catch(error => error);
      if (this.id === id) { image.removeAttribute("src"); this.trouble(told.message ?? "the picture cannot be shown"); }
      return false;
    }
    if (this.id !== id) return false;
    image.src = url;
    image.style.width = `${next.naturalWidth}px`;
    image.style.height = `${next.naturalHeight}px`;
    image.classList.remove("loading");
    this.stage.show(next.naturalWidth, next.naturalHeight);
    return true;
  }

  trouble(text) {
    at("trouble").textContent = text;
    at("trouble").hidden = false;
  }

  prefetch() {
    for (const step of [1, 2]) {
      const id = this.neighbour(step);
      if (id !== undefined) new Image().src = `/api/pictures/${id}/image`;
    }
    if (this.proposes && this.neighbour(1) !== undefined) this.proposer.load(this.neighbour(1)).catch(() => {});
  }

  close() {
    this.id = null;
    this.work = null;
    this.isShown = false;
    document.body.classList.add("in-grid");
    at("name").textContent = "";
    at("state").textContent = "";
    this.live.tell({ at: null });
    this.applyFilter();
  }

  toGrid() {
    const last = this.id;
    location.hash = "#/";
    if (last !== null) setTimeout(() => this.grid.reach(last), 50);
  }

  neighbour(step) {
    const place = this.order.indexOf(this.id);
    return this.order[place < 0 ? 0 : place + step];
  }

  step(step) {
    const id = this.neighbour(step);
    if (id === undefined) toast(step > 0 ? "That was the last picture." : "This is the first picture.", { ms: 2000 });
    else this.go(id);
  }

  nextOpen() {
    const start = this.id === null ? 0 : this.id + 1, count = this.names.length;
    for (let i = 0; i < count; i += 1) {
      const id = (start + i) % count;
      if (this.states[id] !== "r" && id !== this.id) { this.go(id); return; }
    }
    toast("Every picture is reviewed.");
  }

  // ----- boxes

  boxes() {
    if (!this.work) return [];
    if (this.parsed.lines !== this.work.lines) {
      this.parsed = { lines: this.work.lines, boxes: this.work.lines.map(parse).filter(Boolean) };
    }
    return this.parsed.boxes;
  }

  get chosen() { return this.boxes().find(box => box.line === this.chosenLine) ?? null; }

  name(cls) { return this.classes[cls] ?? String(cls); }

  choose(box) {
    this.chosenLine = box?.line ?? null;
    this.chosenProposal = null;
    this.showBoxes();
  }

  chooseProposal(one) {
    this.chosenLine = null;
    this.chosenProposal = one;
    this.showBoxes();
  }

  chooseNext(step) {
    const all = [...this.boxes(), ...this.proposals()].sort((a, b) => Math.round(a.top * 12) - Math.round(b.top * 12) || a.left - b.left);
    const place = all.indexOf(this.chosen ?? this.chosenProposal);
    const next = all[(place + step + (place < 0 && step < 0 ? 1 : 0) + all.length) % all.length];
    if (next) "score" in next ? this.chooseProposal(next) : this.choose(next);
  }

  draw(box) {
    if (!this.classes.length) { toast("First name a class: on the right."); at("new-class-name").focus(); }
    this.add([format(this.cls, box)]);
  }

  add(lines) {
    const fresh = lines.filter(line => !this.work.lines.includes(line));
    if (!fresh.length) return;
    this.work.change(fresh.map(now => ({ was: null, now })));
    this.chosenLine = fresh.at(-1);
    this.chosenProposal = null;
    this.showBoxes();
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
    if (!this.isOpen && this.id !== null) return;
    this.cls = cls;
    if (this.chosen) this.replace(this.chosen, withClass(this.chosen.line, cls));
    else if (this.chosenProposal) this.accept([{ ...this.chosenProposal, cls }]);
    this.showBoxes();
  }

  pressClass(cls) {
    if (cls < Math.max(this.classes.length, 1)) this.setClass(cls);
    else toast(`There is no class ${cls} yet.`, { ms: 2500 });
  }

  delete() {
    if (this.chosenProposal) { this.reject([this.chosenProposal]); return; }
    const box = this.chosen ?? this.boxes().at(-1);
    if (!box) return;
    this.chosenLine = null;
    this.proposer.rejectLike(this.id, box);
    this.work.change([{ was: box.line, now: null }]);
  }

  nudge(dx, dy, resizes) {
    const box = this.chosen;
    if (!box?.isBox) return;
    const { width, height } = this.stage.view.picture;
    const x = dx / width, y = dy / height;
    if (resizes) {
      const right = clamp(Math.max(box.right + x, box.left + 1 / width)), bottom = clamp(Math.max(box.bottom + y, box.top + 1 / height));
      this.reshape(box, { ...box, right, bottom });
    } else {
      const held = [Math.min(1 - box.right, Math.max(-box.left, x)), Math.min(1 - box.bottom, Math.max(-box.top, y))];
      this.reshape(box, { left: box.left + held[0], right: box.right + held[0], top: box.top + held[1], bottom: box.bottom + held[1] });
    }
  }

  async copyFromBefore() {
    const before = this.neighbour(-1);
    if (before === undefined) return;
    const { lines } = await ask(`/api/pictures/${before}`);
    this.add(lines.filter(line => parse(line)?.isBox));
  }

  // ----- proposals

  proposals() {
    return this.proposes && this.isOpen ? this.proposer.open(this.id, this.boxes(), this.classes) : [];
  }

  async propose(id) {
    if (!this.proposes || this.states[id] === "r") return;
    this.showBoxes();
    try {
      await this.proposer.load(id);
    } catch (error) {
      toast(`No proposals: ${error.message}`, { kind: "bad" });
    }
    if (this.id === id) this.showBoxes();
  }

  // The chosen proposal, or the best one.
  get current() {
    if (this.chosenProposal) return [this.chosenProposal];
    return this.proposals().slice(0, 1);
  }

  async accept(proposals) {
    const id = this.id, lines = [];
    for (const one of proposals) lines.push(format(one.cls ?? (await this.numberOf(one.name)), one));
    if (this.id === id) this.add(lines);
    this.chosenProposal = null;
    this.showBoxes();
  }

  reject(proposals) {
    this.proposer.reject(proposals);
    this.chosenProposal = null;
    this.showBoxes();
  }

  async numberOf(name) {
    return classOf(name, this.classes) ?? (await this.addClass(name));
  }

  // ----- classes

  async addClass(name) {
    const { id, classes } = await ask("/api/classes", { name });
    this.classes = classes;
    this.showBoxes();
    return id;
  }

  rename(cls) {
    const dialog = at("rename"), field = at("rename-to"), was = this.classes[cls];
    at("rename-title").textContent = `Class ${cls}: ${was}`;
    field.value = was;
    dialog.returnValue = "";
    dialog.onclose = async () => {
      if (dialog.returnValue !== "ok") return;
      try {
        this.classes = (await ask("/api/classes", { id: cls, was, name: field.value })).classes;
        this.showBoxes();
      } catch (error) {
        toast(error.message, { kind: "bad" });
      }
    };
    dialog.showModal();
    field.select();
  }

  // ----- saving and leaving

  save(goesOn = true) {
    if (!this.isOpen) return;
    const { work, id } = this, isEmpty = !work.lines.length;
    work.save(this.person);
    if (!goesOn) return;
    toast(isEmpty ? `${this.names[id]}: nothing in it` : `${this.names[id]}: saved`, { action: "Back", act: () => this.go(id), ms: 2500 });
    this.step(1);
  }

  leave() {
    if (!this.work) return;
    const { work, id } = this, steps = work.leave();
    if (steps > 0) {
      const bringBack = () => { for (let i = 0; i < steps; i += 1) work.redo(); this.go(id); };
      toast(`Left without saving: ${steps} ${steps === 1 ? "change" : "changes"} taken back.`, { action: "Bring back", act: bringBack, ms: 8000 });
    }
    this.toGrid();
  }

  // ----- what others tell

  heard(message) {
    if (message.kind === "you") this.me = message.id;
    if (message.kind === "people") { this.people = message.people; this.showPeople(); }
    if (message.kind === "classes") { this.classes = message.classes; this.showBoxes(); }
    if (message.kind === "picture" && message.sender !== sender) {
      this.note(message.id, message.state, message.count);
      const work = this.works.get(message.id);
      if (work?.isLoaded) work.refresh();
    }
  }

  async linked(isLinked) {
    const again = isLinked && this.isLinked === null;
    this.isLinked = isLinked ? true : null;
    this.showSync();
    if (!again) return;
    await this.readDataset().catch(() => {});
    if (this.work) this.loadWork(this.work);
  }

  changed(work) {
    this.note(work.id, work.state, work.lines.length);
    if (work === this.work) this.showBoxes();
  }

  synced(work, how) {
    if (how === "idle") this.unsent.delete(work); else this.unsent.add(work);
    this.isOffline = how === "offline";
    this.showSync();
  }

  refused(work, text) {
    toast(`${this.names[work.id]}: ${text}`, { kind: "bad", ms: 10000, action: "Go there", act: () => this.go(work.id) });
  }

  conflict(work, { was, mine, theirs }) {
    const banner = at("banner"), put = edits => { banner.hidden = true; work.change(edits); };
    const choice = (text, act) => make("button", { textContent: text, onclick: act });
    const nothing = () => { banner.hidden = true; };
    const both = mine !== null && theirs !== null;
    banner.replaceChildren(make("span", {
      textContent: both ? "Somebody else changed this box, too. Both are there now." : mine === null
        ? "Somebody changed the box that you removed. It is still there." : "Somebody removed the box that you changed. Yours is kept.",
    }));
    if (both) banner.append(choice("Keep mine", () => put([{ was: theirs, now: null }])), choice("Keep theirs", () => put([{ was: mine, now: null }])), choice("Keep both", nothing));
    else banner.append(choice("Keep it", nothing), choice("Remove it", () => put([{ was: mine ?? theirs, now: null }])));
    banner.dataset.was = was;
    banner.hidden = work !== this.work;
  }

  note(id, state, count) {
    this.states[id] = state;
    this.counts[id] = count;
    this.strip.refresh(id);
    this.grid.refresh(id);
    this.showProgress();
  }

  // ----- showing

  showAll() {
    this.showBoxes();
    this.showPeople();
    this.showSync();
  }

  showBoxes() {
    if (this.chosenProposal && !this.proposals().includes(this.chosenProposal)) this.chosenProposal = null;
    showClasses(this);
    showObjects(this);
    showProposals(this);
    this.showButtons();
    this.stage.repaint();
  }

  showButtons() {
    const { work, isOpen } = this, state = at("state");
    state.textContent = work ? STATES[work.state] : "";
    state.className = `pill ${work ? STATES[work.state] : ""}`;
    at("undo").disabled = !isOpen || !work.canUndo;
    at("redo").disabled = !isOpen || !work.canRedo;
    at("delete").disabled = !isOpen || !(work.lines.length || this.chosenProposal);
    at("save").disabled = !isOpen;
    at("save-text").textContent = isOpen && !work.lines.length ? "Nothing in it" : "Save";
    at("revert").hidden = !(work?.state === "d");
    at("reopen").hidden = !(work?.state === "r" || work?.state === "l");
  }

  showProgress() {
    const reviewed = this.states.filter(state => state === "r").length, all = this.names.length;
    at("done").textContent = `${reviewed.toLocaleString("en")} of ${all.toLocaleString("en")} reviewed`;
    at("bar").style.width = `${100 * reviewed / Math.max(1, all)}%`;
    this.showFilters();
  }

  showSync() {
    const sync = at("sync"), isOff = this.isLinked !== true || this.isOffline;
    sync.className = isOff ? "off" : this.unsent.size ? "busy" : "on";
    sync.textContent = isOff ? (this.unsent.size ? "no connection, changes are kept here" : "no connection") : this.unsent.size ? "keeping" : "all kept";
  }

  showPeople() {
    const chips = this.people.map(person => {
      const isMe = person.id === this.me, name = person.name || "Guest";
      const chip = make("button", { className: `person ${isMe ? "me" : ""}`, textContent: name.slice(0, 2), title: isMe ? `${name} (you): change your name` : `${name}: ${person.at === null ? "all pictures" : this.names[person.at]}` });
      chip.style.background = personColour(person.id);
      chip.classList.toggle("here", !isMe && person.at !== null && person.at === this.id);
      chip.onclick = () => isMe ? this.nameMyself() : this.go(person.at);
      return chip;
    });
    at("people").replaceChildren(...chips);
    this.strip.refreshAll();
    this.grid.refreshAll();
  }

  nameMyself() {
    const dialog = at("rename"), field = at("rename-to");
    at("rename-title").textContent = "Your name, for the others";
    field.value = this.person;
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "ok") return;
      this.person = field.value.trim().slice(0, 40);
      keep("name", this.person);
      this.live.tell({ name: this.person });
    };
    dialog.showModal();
  }

  showFilters() {
    const counts = FILTERS.map(([, test]) => this.states.filter((state, id) => test(state, this.counts[id])).length);
    at("filters").replaceChildren(...FILTERS.map(([name], i) => {
      const button = make("button", { role: "tab", ariaSelected: i === this.filter }, name, make("em", { textContent: counts[i] }));
      button.onclick = () => { this.filter = i; this.applyFilter(); this.showFilters(); };
      return button;
    }));
  }

  applyFilter() {
    const wanted = at("search").value.trim().toLowerCase(), test = FILTERS[this.filter][1];
    this.order = [...this.names.keys()].filter(id => test(this.states[id], this.counts[id]) && (!wanted || this.names[id].toLowerCase().includes(wanted)));
    this.grid.show(this.order);
    this.strip.show(this.order);
    at("nothing").hidden = this.order.length > 0;
  }

  fillTile(tile, id) {
    const name = this.names[id], others = this.people.filter(person => person.id !== this.me && person.at === id);
    tile.className = `${tile.classList.contains("broken") ? "broken" : ""} ${STATES[this.states[id]]} ${id === this.id ? "current" : ""} ${others.length ? "shared" : ""}`;
    tile.title = `${name}: ${STATES[this.states[id]]}`;
    tile.lastChild.textContent = `${name.split("/").at(-1)}`;
    tile.lastChild.dataset.count = this.states[id] === "o" ? "" : this.counts[id] || "∅";
  }

  bindButtons() {
    const acts = {
      "to-grid": () => this.toGrid(), prev: () => this.step(-1), next: () => this.step(1), undo: () => this.work?.undo(), redo: () => this.work?.redo(),
      delete: () => this.delete(), save: () => this.save(), leave: () => this.leave(), revert: () => this.work?.command("revert"), reopen: () => this.work?.command("reopen"),
      accept: () => this.accept(this.current), reject: () => this.reject(this.current), "accept-all": () => this.accept(this.proposals()), "reject-all": () => this.reject(this.proposals()),
      "show-again": () => { this.proposer.showAgain(this.id); this.showBoxes(); },
      "zoom-in": () => this.stage.zoom(1.5), "zoom-out": () => this.stage.zoom(1 / 1.5), fit: () => this.stage.fit(), "help-open": () => at("help").showModal(),
    };
    for (const [id, act] of Object.entries(acts)) {
      at(id).addEventListener("click", () => { act(); document.activeElement?.blur(); });  // keys go to the page again
    }
    at("threshold").addEventListener("input", event => { this.proposer.setThreshold(Number(event.target.value)); this.showBoxes(); });
    at("threshold").addEventListener("change", event => event.target.blur());
    at("search").addEventListener("input", () => this.applyFilter());
    at("new-class").addEventListener("submit", event => {
      event.preventDefault();
      const field = at("new-class-name");
      this.addClass(field.value).then(cls => { field.value = ""; field.blur(); this.setClass(cls); }, error => toast(error.message, { kind: "bad" }));
    });
  }
}

const app = new App();
app.start().catch(error => toast(error.message, { kind: "bad", ms: 60000 }));
window.hailstack = app;  // for people with the console open, and for tests
