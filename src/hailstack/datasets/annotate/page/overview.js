// All pictures: the grid, the strip beside the open one, filters and progress.

import { address } from "./pictures.js";
import { Tiles } from "./tiles.js";
import { at, make } from "./ui.js";

export const STATES = { o: "open", d: "draft", l: "labelled", r: "reviewed" };
const FILTERS = [
  ["All", () => true],
  ["Open", state => state === "o"],
  ["Drafts", state => state === "d"],
  ["Labelled, not reviewed", state => state === "l"],
  ["Reviewed", state => state === "r"],
  ["Nothing in it", (state, count) => state === "r" && !count],
];

export class Overview {
  constructor(app) {
    this.app = app;
    this.names = [];
    this.ids = new Map();  // name → number
    this.states = [];
    this.counts = [];
    this.order = [];  // numbers of the pictures that the filter lets through; it stays while one works through them
    this.filter = 0;
    const fill = (tile, id) => this.fillTile(tile, id), pick = id => app.go(id);
    const source = id => address("thumb", this.names[id]);
    this.strip = new Tiles(at("strip"), { width: 148, height: 104 }, fill, pick, source);
    this.grid = new Tiles(at("grid"), { width: 208, height: 168 }, fill, pick, source);
    at("search").addEventListener("input", () => this.applyFilter());
  }

  take({ names, states, counts }) {
    if (names.join() !== this.names.join()) [this.strip, this.grid].forEach(tiles => tiles.empty());
    Object.assign(this, { names, states: [...states], counts, ids: new Map(names.map((name, id) => [name, id])) });
    this.applyFilter();
    this.showProgress();
  }

  note(name, state, count) {
    const id = this.ids.get(name);
    if (id === undefined || (this.states[id] === state && this.counts[id] === count)) return;
    this.states[id] = state;
    this.counts[id] = count;
    this.strip.refresh(id);
    this.grid.refresh(id);
    this.showProgress();
  }

  refresh() {
    this.strip.refreshAll();
    this.grid.refreshAll();
  }

  neighbour(id, step) {
    const place = this.order.indexOf(id);
    return this.order[place < 0 ? 0 : place + step];
  }

  // The next picture that nobody reviewed, from the beginning again after the last.
  nextOpen(id) {
    const count = this.names.length, start = id === null ? 0 : id + 1;
    const around = Array.from({ length: count }, (_, i) => (start + i) % count);
    return around.find(one => this.states[one] !== "r" && one !== id);
  }

  applyFilter() {
    const wanted = at("search").value.trim().toLowerCase(), [, test] = FILTERS[this.filter];
    const fits = id => test(this.states[id], this.counts[id]) && (!wanted || this.names[id].toLowerCase().includes(wanted));
    this.order = [...this.names.keys()].filter(fits);
    this.grid.show(this.order);
    this.strip.show(this.order);
    at("nothing").hidden = this.order.length > 0;
  }

  showProgress() {
    const reviewed = this.states.filter(state => state === "r").length, all = this.names.length;
    at("done").textContent = `${reviewed.toLocaleString("en")} of ${all.toLocaleString("en")} reviewed`;
    at("bar").style.width = `${100 * reviewed / Math.max(1, all)}%`;
    this.showFilters();
  }

  showFilters() {
    const count = test => this.states.filter((state, id) => test(state, this.counts[id])).length;
    at("filters").replaceChildren(...FILTERS.map(([name, test], i) => {
      const button = make("button", { role: "tab", ariaSelected: i === this.filter }, name, make("em", { textContent: count(test) }));
      button.onclick = () => { this.filter = i; this.applyFilter(); this.showFilters(); };
      return button;
    }));
  }

  fillTile(tile, id) {
    const name = this.names[id], state = STATES[this.states[id]];
    tile.classList.remove(...Object.values(STATES));
    tile.classList.add(state);
    tile.classList.toggle("current", id === this.app.id);
    tile.classList.toggle("shared", this.app.others.at(name).length > 0);
    tile.title = `${name}: ${state}`;
    tile.lastChild.textContent = name.split("/").at(-1);
    tile.lastChild.dataset.count = state === "open" ? "" : this.counts[id] || "∅";
  }
}
