// What the keys do.

import { at } from "./ui.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function bindKeys(app) {
  addEventListener("keydown", event => {
    if (event.target.closest("input:not([type=range]), dialog")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = app.id === null ? inGrid(app, event) : onPicture(app, event);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function inGrid(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return { "?": () => at("help").showModal(), j: () => app.nextOpen(), n: () => app.go(app.overview.order[0]), "/": () => at("search").focus() }[event.key];
}

function onPicture(app, event) {
  const { shiftKey } = event, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;  // caps lock or not
  if (event.ctrlKey || event.metaKey) {
    return { z: () => (shiftKey ? app.work.redo() : app.work.undo()), y: () => app.work.redo(), s: () => app.save(false) }[key];
  }
  if (key in ARROWS) return arrow(app, ARROWS[key], event);
  if (event.altKey) return null;
  const digit = /^\d$/.test(key) ? key : /^Digit\d$/.test(event.code) && !shiftKey ? event.code.at(-1) : null;  // AZERTY
  if (digit !== null) return () => app.boxes.pressClass(Number(digit));
  const acts = {
    " ": () => app.save(), Enter: () => (app.boxes.current.length ? app.boxes.accept(app.boxes.current) : app.save()),
    Backspace: () => app.boxes.delete(), Delete: () => app.boxes.delete(),
    Escape: () => { if (!app.stage.giveUp()) app.leave(); },
    n: () => app.step(1), p: () => app.step(-1), j: () => app.nextOpen(), g: () => app.toGrid(),
    Tab: () => app.boxes.chooseNext(shiftKey ? -1 : 1),
    a: () => app.boxes.accept(shiftKey ? app.boxes.proposals() : app.boxes.current), x: () => app.boxes.reject(shiftKey ? app.boxes.proposals() : app.boxes.current),
    v: () => app.boxes.copyFromBefore(), r: () => app.work.reopen(), f: () => app.stage.fit(),
    h: () => app.stage.toggle(),
    "+": () => app.stage.zoom(1.3), "=": () => app.stage.zoom(1.3), "-": () => app.stage.zoom(1 / 1.3), "?": () => at("help").showModal(),
  };
  return app.isOpen || ["n", "p", "j", "g", "Escape", "?"].includes(key) ? acts[key] : null;
}

// Moves the chosen box; with none, left and right turn the page.
function arrow(app, [dx, dy], { shiftKey, altKey }) {
  const step = shiftKey ? 10 : 1;
  if (app.boxes.chosen) return () => app.boxes.nudge(dx * step, dy * step, altKey);
  return dx && !altKey ? () => app.step(dx) : null;
}
