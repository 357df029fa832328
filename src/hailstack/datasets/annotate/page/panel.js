// The lists beside the picture: classes, boxes, proposals.

import { colour } from "./colours.js";
import { at, make } from "./ui.js";

export function showClasses(app) {
  const counts = new Map();
  for (const box of app.boxes.all()) counts.set(box.cls, (counts.get(box.cls) ?? 0) + 1);
  const most = Math.max(app.classes.length - 1, ...counts.keys());
  const rows = [];
  for (let cls = 0; cls <= most; cls += 1) rows.push(classRow(app, cls, counts.get(cls)));
  at("classes").replaceChildren(...rows);
}

function classRow(app, cls, count) {
  const swatch = make("i", { className: "swatch" });
  swatch.style.background = colour(cls);
  const pick = make("button", { className: "pick", title: `Class ${cls}` }, make("kbd", { textContent: cls < 10 ? cls : "" }), swatch,
    make("span", { textContent: app.boxes.name(cls) }), make("em", { textContent: count ?? "" }));
  pick.onclick = () => app.boxes.setClass(cls);
  const row = make("li", { className: cls === app.boxes.cls ? "on" : "" }, pick);
  if (cls < app.classes.length) {
    row.append(make("button", { className: "quiet edit rename", title: "Rename", textContent: "✎", onclick: () => app.rename(cls) }),
      make("button", { className: "quiet edit remove", title: "Remove, if no box has it", textContent: "✕", onclick: () => app.removeClass(cls) }));
  }
  return row;
}

export function showObjects(app) {
  const boxes = app.boxes.all(), { width, height } = app.stage.view.picture;
  at("object-count").textContent = boxes.length || "";
  at("objects").replaceChildren(...boxes.slice(0, 200).map(box => {
    const swatch = make("i", { className: "swatch" });
    swatch.style.background = colour(box.cls);
    const size = `${Math.round((box.right - box.left) * width)}×${Math.round((box.bottom - box.top) * height)}`;
    const button = make("button", { className: "pick" }, swatch, make("span", { textContent: app.boxes.name(box.cls) }),
      make("em", { textContent: box.isBox ? size : "outline" }));
    button.onclick = () => app.boxes.choose(box);
    return make("li", { className: box === app.boxes.chosen ? "on" : "" }, button);
  }));
}

export function showProposals(app) {
  const section = at("proposals");
  section.hidden = !app.proposes || !app.isOpen;
  if (section.hidden) return;
  const open = app.boxes.proposals(), isWaiting = app.proposer.found.get(app.work.name) === null;
  at("proposal-count").textContent = isWaiting ? "…" : open.length;
  at("threshold").value = app.proposer.threshold;
  at("threshold-shown").textContent = app.proposer.threshold.toFixed(2);
  for (const name of ["accept", "reject", "accept-all", "reject-all"]) at(name).disabled = !open.length;
  for (const row of section.querySelectorAll(".row")) row.hidden = !open.length;
  at("show-again").hidden = !app.proposer.hasRejected(app.work.name);
}
