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
  return { "?": () => at("help").showModal(), j: () => app.nextOpen(), n: () => app.go(app.order[0]), Enter: event.target.closest("button") ? null : () => app.go(app.order[0]), "/": () => at("search").focus() }[event.key];
}

function onPicture(app, event) {
  const { shiftKey } = event, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;  // caps lock or not
  if (event.ctrlKey || event.metaKey) {
    return { z: () => (shiftKey ? app.work.redo() : app.work.undo()), y: () => app.work.redo(), s: () => app.save(false) }[key];
  }
  if (key in ARROWS) return arrow(app, ARROWS[key], event);
  if (event.altKey) return null;
  const digit = /^\d$/.test(key) ? key : /^Digit\d$/.test(event.code) && !shiftKey ? event.code.at(-1) : null;  // AZERTY
  if (digit !== null) return () => app.pressClass(Number(digit));
  const acts = {
    " ": () => app.save(), Enter: () => (app.current.length ? app.accept(app.current) : app.save()),
    Backspace: () => app.delete(), Delete: () => app.delete(),
    Escape: () => { if (!app.stage.giveUp()) app.leave(); },
    n: () => app.step(1), p: () => app.step(-1), j: () => app.nextOpen(), g: () => app.toGrid(),
    Tab: () => app.chooseNext(shiftKey ? -1 : 1),
    a: () => app.accept(shiftKey ? app.proposals() : app.current), x: () => app.reject(shiftKey ? app.proposals() : app.current),
    v: () => app.copyFromBefore(), r: () => app.work.command("reopen"), f: () => app.stage.fit(),
    h: () => app.stage.toggle(),
    "+": () => app.stage.zoom(1.3), "=": () => app.stage.zoom(1.3), "-": () => app.stage.zoom(1 / 1.3), "?": () => at("help").showModal(),
  };
  return app.isOpen || ["n", "p", "j", "g", "Escape", "?"].includes(key) ? acts[key] : null;
}

// Moves the chosen box; with none, left and right turn the page.
function arrow(app, [dx, dy], { shiftKey, altKey }) {
  const step = shiftKey ? 10 : 1;
  if (app.chosen) return () => app.nudge(dx * step, dy * step, altKey);
  return dx && !altKey ? () => app.step(dx) : null;
}
