// The page as a whole: which picture is open, saving and leaving it, classes, buttons.

import { Boxes } from "./boxes.js";
import { bindKeys } from "./keys.js";
import { Others } from "./others.js";
import { Overview, STATES } from "./overview.js";
import { showClasses, showObjects, showProposals } from "./panel.js";
import { Proposals } from "./proposals.js";
import { address, setKey } from "./pictures.js";
import { ask } from "./server.js";
import { Stage } from "./stage.js";
import { at, toast } from "./ui.js";
import { Work } from "./work.js";

class App {
  constructor() {
    this.id = null;
    this.work = null;
    this.isShown = false;  // the picture of the work is on the stage
    this.works = new Map();
    this.classes = [];
    this.proposes = false;
    this.proposer = new Proposals();
    this.others = new Others(this);
    this.overview = new Overview(this);
    this.boxes = new Boxes(this);
    this.stage = new Stage(at("stage"), at("boxes"), at("picture"), this.boxes);
  }

  async start() {
    await this.readDataset();
    this.others.connect();
    addEventListener("hashchange", () => this.follow());
    addEventListener("beforeunload", event => { if (this.others.unsent.size) event.preventDefault(); });
    bindKeys(this);
    this.bindButtons();
    await this.follow();
  }

  async readDataset() {
    const found = await ask("/api/dataset");
    this.classes = found.classes;
    this.proposes = found.proposes;
    setKey(found.key);
    at("title").textContent = found.title;
    document.title = `${found.title} – Hailstack annotate`;
    this.overview.take(found);
  }

  // ----- which picture

  get isOpen() { return this.work?.isLoaded === true && this.isShown; }

  async follow() {
    const number = Number(location.hash.match(/^#\/(\d+)$/)?.[1] ?? NaN);
    if (number < this.overview.names.length) await this.open(number);
    else this.close();
  }

  go(id) {
    if (id !== undefined && id !== null) location.hash = `#/${id}`;
  }

  async open(id) {
    Object.assign(this, { id, isShown: false });
    this.boxes.choose(null);
    at("banner").hidden = true;
    document.body.classList.remove("in-grid");
    const name = this.overview.names[id];
    this.work = this.works.get(name) ?? new Work(name, this);
    this.works.set(name, this.work);
    this.work.open();
    this.others.live.tell({ at: name });
    at("name").textContent = name;
    this.showBoxes();
    this.overview.refresh();
    this.overview.strip.reach(id);
    const [isShown] = await Promise.all([this.showPicture(id), this.loadWork(this.work)]);
    if (this.id !== id || !isShown) return;
    this.isShown = true;
    this.showBoxes();
    this.propose(id);
    this.prefetch();
  }

  async loadWork(work) {
    try {
      await (work.isLoaded ? work.refresh() : work.load());
    } catch (error) {
      this.trouble(error.message);
    }
  }

  async showPicture(id) {
    const image = at("picture"), url = address("image", this.overview.names[id]), next = new Image();
    at("trouble").hidden = true;
    image.classList.add("loading");
    next.src = url;
    try {
      await next.decode();
    } catch {
      const told = await ask(url).catch(error => error);
      if (this.id !== id) return false;
      image.removeAttribute("src");
      this.trouble(told.message ?? "the picture cannot be shown");
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

  async propose(id) {
    if (!this.proposes || this.overview.states[id] === "r") return;
    this.showBoxes();
    try {
      await this.proposer.load(this.overview.names[id]);
    } catch (error) {
      toast(`No proposals: ${error.message}`, { kind: "bad" });
    }
    if (this.id === id) this.showBoxes();
  }

  prefetch() {
    for (const id of [1, 2].map(step => this.neighbour(step)).filter(id => id !== undefined)) {
      new Image().src = address("image", this.overview.names[id]);
    }
    const next = this.neighbour(1);
    if (this.proposes && next !== undefined) this.proposer.load(this.overview.names[next]).catch(() => {});  // said when it is opened
  }

  close() {
    Object.assign(this, { id: null, work: null, isShown: false });
    document.body.classList.add("in-grid");
    at("name").textContent = "";
    at("state").textContent = "";
    this.others.live.tell({ at: null });
    this.overview.applyFilter();
  }

  toGrid() {
    const last = this.id;
    location.hash = "#/";
    if (last !== null) setTimeout(() => this.overview.grid.reach(last), 50);
  }

  neighbour(step) { return this.overview.neighbour(this.id, step); }

  step(step) {
    const id = this.neighbour(step);
    if (id === undefined) toast(step > 0 ? "That was the last picture." : "This is the first picture.", { ms: 2000 });
    else this.go(id);
  }

  nextOpen() {
    const id = this.overview.nextOpen(this.id);
    if (id === undefined) toast("Every picture is reviewed.");
    else this.go(id);
  }

  // ----- saving and leaving

  save(goesOn = true) {
    if (!this.isOpen) return;
    const { work, id } = this, name = this.overview.names[id];
    const left = this.boxes.proposals().length, said = work.lines.length ? "saved" : "nothing in it";
    work.save(this.others.person);
    if (!goesOn) return;
    toast(`${name}: ${said}${left ? `, ${left} proposals left out` : ""}`, { action: "Back", act: () => this.go(id), ms: 2500 });
    this.step(1);
  }

  leave() {
    if (!this.work) return;
    const { work, id } = this, steps = work.leave();
    if (steps > 0) {
      const bringBack = () => {
        for (let i = 0; i < steps; i += 1) work.redo();
        this.go(id);
      };
      const said = `Left without saving: ${steps} ${steps === 1 ? "change" : "changes"} taken back.`;
      toast(said, { action: "Bring back", act: bringBack, ms: 8000 });
    }
    this.toGrid();
  }

  // ----- classes

  async addClass(name) {
    const { id, classes } = await ask("/api/classes", { name });
    this.takeClasses(classes);
    return id;
  }

  takeClasses(classes) {
    const place = classes.indexOf(this.classes[this.boxes.cls]);
    this.boxes.cls = place >= 0 ? place : Math.min(this.boxes.cls, Math.max(0, classes.length - 1));
    this.classes = classes;
    this.showBoxes();
  }

  async removeClass(cls) {
    try {
      this.takeClasses((await ask("/api/classes/remove", { id: cls, was: this.classes[cls] })).classes);
    } catch (error) {
      toast(error.message, { kind: "bad", ms: 8000 });
    }
  }

  rename(cls) {
    const was = this.classes[cls];
    this.askText(`Class ${cls}: ${was}`, was, async name => {
      try {
        this.takeClasses((await ask("/api/classes", { id: cls, was, name })).classes);
      } catch (error) {
        toast(error.message, { kind: "bad" });
      }
    });
  }

  askText(title, text, then) {
    const dialog = at("rename"), field = at("rename-to");
    at("rename-title").textContent = title;
    field.value = text;
    dialog.returnValue = "";
    dialog.onclose = () => { if (dialog.returnValue === "ok") then(field.value); };
    dialog.showModal();
    field.select();
  }

  // ----- what works and other people tell

  changed(work) {
    this.overview.note(work.name, work.state, work.lines.length);
    if (work === this.work) this.showBoxes();
  }

  synced(work, how, why) { this.others.synced(work, how, why); }

  conflict(work, told) { this.others.conflict(work, told); }

  refused(work, text) {
    const there = () => this.go(this.overview.ids.get(work.name));
    toast(`${work.name}: ${text}`, { kind: "bad", ms: 10000, action: "Go there", act: there });
  }

  changedElsewhere({ name, state, count, revision }) {
    const work = this.works.get(name);
    if (!work?.isLoaded) this.overview.note(name, state, count);
    else if (work.revision !== revision) work.refresh();
  }

  // After a time without connection. Pictures may have come since, and have other numbers.
  async catchUp() {
    const name = this.work?.name, before = this.overview.names.join();
    await this.readDataset().catch(error => toast(error.message, { kind: "bad" }));
    if (this.work) this.loadWork(this.work);
    if (this.overview.names.join() === before) return;
    const id = this.overview.ids.get(name);
    if (this.work && id !== this.id) location.hash = id === undefined ? "#/" : `#/${id}`;
  }

  // ----- showing

  showBoxes() {
    const { boxes } = this;
    if (boxes.chosenProposal && !boxes.proposals().includes(boxes.chosenProposal)) boxes.chosenProposal = null;
    showClasses(this);
    showObjects(this);
    showProposals(this);
    this.showButtons();
    this.stage.repaint();
  }

  showButtons() {
    const { work, isOpen } = this, state = at("state");
    state.textContent = work ? STATES[work.state] : "";
    state.className = `pill ${state.textContent}`;
    at("undo").disabled = !isOpen || !work.canUndo;
    at("redo").disabled = !isOpen || !work.canRedo;
    at("delete").disabled = !isOpen || !(work.lines.length || this.boxes.chosenProposal);
    at("save").disabled = !isOpen;
    at("save-text").textContent = isOpen && !work.lines.length ? "Nothing in it" : "Save";
    at("revert").hidden = work?.state !== "d";
    at("reopen").hidden = work?.state !== "r";
  }

  bindButtons() {
    const { boxes, stage, proposer } = this;
    const acts = {
      "to-grid": () => this.toGrid(), prev: () => this.step(-1), next: () => this.step(1),
      undo: () => this.work?.undo(), redo: () => this.work?.redo(), delete: () => boxes.delete(),
      save: () => this.save(), leave: () => this.leave(),
      revert: () => this.work?.revert(), reopen: () => this.work?.reopen(),
      accept: () => boxes.accept(boxes.current), reject: () => boxes.reject(boxes.current),
      "accept-all": () => boxes.accept(boxes.proposals()), "reject-all": () => boxes.reject(boxes.proposals()),
      "show-again": () => { proposer.showAgain(this.work.name); this.showBoxes(); },
      "zoom-in": () => stage.zoom(1.5), "zoom-out": () => stage.zoom(1 / 1.5), fit: () => stage.fit(),
      "help-open": () => at("help").showModal(),
    };
    for (const [id, act] of Object.entries(acts)) {
      at(id).addEventListener("click", act);
    }
    addEventListener("click", event => event.target.closest("button")?.blur());  // keys go to the page again
    at("threshold").addEventListener("input", event => { proposer.setThreshold(Number(event.target.value)); this.showBoxes(); });
    at("threshold").addEventListener("change", event => event.target.blur());
    at("new-class").addEventListener("submit", event => { event.preventDefault(); this.nameClass(at("new-class-name")); });
  }

  async nameClass(field) {
    try {
      const cls = await this.addClass(field.value);
      field.value = "";
      field.blur();
      this.boxes.setClass(cls);
    } catch (error) {
      toast(error.message, { kind: "bad" });
    }
  }
}

const app = new App();
app.start().catch(error => toast(error.message, { kind: "bad", ms: 60000 }));
window.hailstack = app;  // for people with the console open, and for tests
