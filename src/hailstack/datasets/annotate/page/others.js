// Other people on the same pictures: who they are, what they change, and what happens when two change one box.

import { personColour } from "./colours.js";
import { Live } from "./server.js";
import { at, keep, kept, make } from "./ui.js";
import { sender } from "./work.js";

export class Others {
  constructor(app) {
    this.app = app;
    this.people = [];
    this.me = "";
    this.person = kept("name", "");
    this.isLinked = null;  // null before the first connection
    this.isOffline = false;
    this.unsent = new Set();
  }

  connect() {
    this.live = new Live(message => this.heard(message), isLinked => this.linked(isLinked));
    this.live.tell({ name: this.person });
  }

  // Those who have a picture open.
  at(name) { return this.people.filter(one => one.id !== this.me && one.at === name); }

  heard(message) {
    if (message.kind === "you") this.me = message.id;
    if (message.kind === "people") {
      this.people = message.people;
      this.show();
    }
    if (message.kind === "classes") this.app.takeClasses(message.classes);
    if (message.kind === "picture" && message.sender !== sender) this.app.changedElsewhere(message);
  }

  linked(isLinked) {
    const isBack = isLinked && this.isLinked === false;
    this.isLinked = isLinked;
    this.showSync();
    if (isBack) this.app.catchUp();
  }

  synced(work, how, why = "") {
    if (how === "idle") this.unsent.delete(work); else this.unsent.add(work);
    this.isOffline = how === "offline";
    at("sync").title = why;
    this.showSync();
  }

  showSync() {
    const sync = at("sync"), isOff = this.isLinked === false || this.isOffline, isBusy = this.unsent.size > 0;
    sync.className = isOff ? "off" : isBusy ? "busy" : "on";
    sync.textContent = isOff ? (isBusy ? "no connection, changes are kept here" : "no connection") : isBusy ? "keeping" : "all kept";
  }

  show() {
    at("people").replaceChildren(...this.people.map(one => this.chip(one)));
    this.app.overview.refresh();
  }

  chip(one) {
    const isMe = one.id === this.me, name = one.name || "Guest";
    const where = one.at ?? "all pictures";
    const chip = make("button", { className: "person", textContent: name.slice(0, 2), title: isMe ? `${name} (you): change your name` : `${name}: ${where}` });
    chip.style.background = personColour(one.id);
    chip.classList.toggle("me", isMe);
    chip.classList.toggle("here", !isMe && one.at !== null && one.at === this.app.work?.name);
    chip.onclick = () => (isMe ? this.nameMyself() : this.app.go(this.app.overview.ids.get(one.at)));
    return chip;
  }

  nameMyself() {
    this.app.askText("Your name, for the others", this.person, name => {
      this.person = name.trim().slice(0, 40);
      keep("name", this.person);
      this.live.tell({ name: this.person });
    });
  }

  // Two people changed one box: both boxes are there, and who came second chooses.
  conflict(work, { mine, theirs }) {
    const banner = at("banner"), close = () => { banner.hidden = true; };
    const choice = (text, line) => make("button", {
      textContent: text, onclick: () => { close(); if (line) work.change([{ was: line, now: null }]); },
    });
    const isBoth = mine !== null && theirs !== null;
    const said = isBoth ? "Somebody else changed this box, too. Both are there now."
      : mine === null ? "Somebody changed the box that you removed. It is still there."
        : "Somebody removed the box that you changed. Yours is kept.";
    const choices = isBoth ? [choice("Keep mine", theirs), choice("Keep theirs", mine), choice("Keep both")]
      : [choice("Keep it"), choice("Remove it", mine ?? theirs)];
    banner.replaceChildren(make("span", { textContent: said }), ...choices);
    banner.hidden = work !== this.app.work;
  }
}
