// The pointer on the picture: draw, choose, move, resize, zoom and pan, with mouse, pen or fingers.

import { moved } from "./boxes.js";
import { area, clamp } from "./lines.js";
import { Painter } from "./paint.js";
import { View } from "./view.js";

const SLIP = 4;  // CSS pixels that a click may move
const REACH = { mouse: 7, pen: 12, touch: 22 };
const SMALLEST = 3;  // CSS pixels of a side that is drawn

export class Stage {
  // host: the Boxes
  constructor(main, canvas, image, host) {
    this.main = main;
    this.canvas = canvas;
    this.image = image;
    this.host = host;
    this.view = new View();
    this.painter = new Painter(canvas);
    this.pointers = new Map();
    this.drag = null;
    this.cross = null;
    this.hovered = null;
    this.isHidden = false;
    this.isCoarse = matchMedia("(pointer: coarse)").matches;
    this.isAsked = false;
    for (const [name, act] of Object.entries({ pointerdown: "press", pointermove: "move", pointerup: "release", pointercancel: "cancel" })) {
      canvas.addEventListener(name, event => this[act](event));
    }
    canvas.addEventListener("pointerleave", () => { this.cross = null; this.hovered = null; this.repaint(); });
    canvas.addEventListener("wheel", event => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", event => event.preventDefault());
    new ResizeObserver(() => this.fitStage()).observe(main);
  }

  fitStage() {
    const { clientWidth: width, clientHeight: height } = this.main;
    if (!width || !height) return;
    this.painter.resize(width, height);
    this.view.resize(width, height);
    this.repaint();
  }

  show(width, height) {
    this.view.show(width, height);
    this.repaint();
  }

  repaint() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => { this.isAsked = false; this.paint(); });
  }

  paint() {
    const { view, image } = this;
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    image.classList.toggle("sharp", view.scale > 3);
    const drawn = this.drag?.box ? { ...this.drag.box, isBox: true } : null;
    const chosen = this.drag?.kind === "draw" ? drawn : this.drag?.was && drawn ? drawn : this.host.chosen;
    const boxes = this.host.all().filter(box => box !== this.drag?.was);
    this.painter.paint(view, {
      boxes: drawn ? [...boxes, drawn] : boxes, chosen, hovered: this.hovered, name: cls => this.host.name(cls),
      proposals: this.host.proposals(), chosenProposal: this.host.chosenProposal,
      isHidden: this.isHidden, isCoarse: this.isCoarse,
      cross: this.host.isOpen && !this.isHidden ? this.cross : null, hint: this.hint(drawn),
    });
  }

  hint(drawn) {
    if (!drawn || !this.cross) return null;
    const { width, height } = this.view.picture;
    const text = `${Math.round((drawn.right - drawn.left) * width)} × ${Math.round((drawn.bottom - drawn.top) * height)}`;
    return { ...this.cross, text };
  }

  at(event) {
    const rect = this.canvas.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  }

  press(event) {
    if (!this.host.isOpen) return;
    event.preventDefault();
    document.activeElement?.blur();
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.at(event);
    this.pointers.set(event.pointerId, { x, y });
    this.isCoarse = event.pointerType === "touch";
    if (this.pointers.size > 1) { this.drag = { kind: "pinch" }; this.cross = null; }
    else if (event.button === 1 || event.button === 2) this.drag = { kind: "pan" };
    else this.drag = this.begin(x, y, event);
    this.repaint();
  }

  begin(x, y, event) {
    const start = { x, y, shiftKey: event.shiftKey };
    if (this.isHidden || event.shiftKey) return { ...start, kind: "draw" };
    const reach = REACH[event.pointerType] || REACH.mouse, { chosen } = this.host;
    const edges = chosen?.isBox ? this.edges(chosen, x, y, reach) : null;
    if (edges) return { ...start, kind: "resize", was: chosen, edges };
    if (chosen?.isBox && this.holds(chosen, x, y)) return { ...start, kind: "move", was: chosen };
    const near = this.host.all().filter(box => box.isBox && this.edges(box, x, y, reach * 0.7)).sort((a, b) => area(a) - area(b))[0];
    if (near && near !== chosen) return { ...start, kind: "resize", was: near, edges: this.edges(near, x, y, reach * 0.7) };
    return { ...start, kind: "draw" };
  }

  move(event) {
    const [x, y] = this.at(event), before = this.pointers.get(event.pointerId);
    if (event.pointerType !== "touch" || before) this.cross = { x, y };
    if (!before) { this.hover(x, y, event); return; }
    if (this.drag?.kind === "pinch") this.pinch(event.pointerId, x, y);
    else if (this.drag?.kind === "pan") this.view.pan(x - before.x, y - before.y);
    else if (this.drag) this.pull(x, y);
    this.pointers.set(event.pointerId, { x, y });
    this.repaint();
  }

  pull(x, y) {
    const { drag, view } = this;
    if (!drag.box && Math.hypot(x - drag.x, y - drag.y) < SLIP) return;
    const [fromX, fromY] = view.toShare(drag.x, drag.y), [toX, toY] = view.toShare(x, y);
    if (drag.kind === "draw") {
      const xs = [clamp(fromX), clamp(toX)].sort((a, b) => a - b), ys = [clamp(fromY), clamp(toY)].sort((a, b) => a - b);
      drag.box = { cls: this.host.cls, left: xs[0], top: ys[0], right: xs[1], bottom: ys[1] };
    } else if (drag.kind === "move") {
      drag.box = moved(drag.was, toX - fromX, toY - fromY);
    } else if (drag.kind === "resize") {
      drag.box = resized(drag.was, drag.edges, toX - fromX, toY - fromY);
    }
  }

  pinch(id, x, y) {
    const [first, second] = [...this.pointers.entries()].slice(0, 2).map(([key, point]) => key === id ? { was: point, now: { x, y } } : { was: point, now: point });
    if (!second) return;
    const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const was = middle(first.was, second.was), now = middle(first.now, second.now);
    const spread = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    this.view.pan(now.x - was.x, now.y - was.y);
    this.view.zoom(now.x, now.y, spread(first.now, second.now) / spread(first.was, second.was));
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    const { drag } = this;
    if (drag?.kind === "pinch") {
      if (!this.pointers.size) this.drag = null;
      return;
    }
    this.drag = null;
    if (!drag || drag.kind === "pan") return;
    if (event.pointerType === "touch") this.cross = null;
    if (!drag.box) this.click(drag, event);
    else if (drag.kind !== "draw") this.host.reshape(drag.was, drag.box);
    else if (this.isWorthwhile(drag.box)) this.host.draw(drag.box);
    this.repaint();
  }

  isWorthwhile(box) {
    const rect = this.view.rect(box);
    return rect.right - rect.left >= SMALLEST && rect.bottom - rect.top >= SMALLEST;
  }

  // Choose what lies under the pointer, the smallest first; a further click goes on to the next larger one.
  click({ x, y, shiftKey }, event) {
    if (shiftKey) return;
    const reach = REACH[event.pointerType] || REACH.mouse;
    const under = one => this.holds(one, x, y) || this.edges(one, x, y, reach);
    const found = [...this.host.all(), ...this.host.proposals()].filter(under).sort((a, b) => area(a) - area(b));
    const current = found.indexOf(this.host.chosen ?? this.host.chosenProposal);
    const next = found.length ? found[(current + 1) % found.length] : null;
    this.host.choose(next);
  }

  cancel(event) {
    this.pointers.delete(event.pointerId);
    this.drag = null;
    this.repaint();
  }

  // Whether there was a drag to give up.
  giveUp() {
    const had = Boolean(this.drag);
    this.drag = null;
    this.repaint();
    return had;
  }

  hover(x, y, event) {
    const { chosen } = this.host, boxes = this.host.all();
    const edges = chosen?.isBox && this.edges(chosen, x, y, REACH.mouse);
    this.hovered = boxes.filter(box => this.holds(box, x, y) || this.edges(box, x, y, REACH.mouse)).sort((a, b) => area(a) - area(b))[0] ?? null;
    const isInside = chosen?.isBox && this.holds(chosen, x, y);
    this.canvas.style.cursor = event.shiftKey ? "crosshair" : edges ? cursor(edges) : isInside ? "move" : "crosshair";
    this.repaint();
  }

  holds(box, x, y) {
    const rect = this.view.rect(box);
    return x >= rect.left && x <= rect.right && y >= rect.top && y <= rect.bottom;
  }

  // Which edges of a box are within reach: { x: "left" | "right" | null, y: "top" | "bottom" | null }.
  edges(box, x, y, reach) {
    const rect = this.view.rect(box);
    if (x < rect.left - reach || x > rect.right + reach || y < rect.top - reach || y > rect.bottom + reach) return null;
    const near = (a, b, p, low, high) => {
      const room = Math.min(reach, Math.max(2, (b - a) / 4)), inner = [p - a, b - p];  // small boxes keep an inside
      if (inner[0] < room && inner[0] <= inner[1]) return low;
      return inner[1] < room ? high : null;
    };
    const found = { x: near(rect.left, rect.right, x, "left", "right"), y: near(rect.top, rect.bottom, y, "top", "bottom") };
    return found.x || found.y ? found : null;
  }

  wheel(event) {
    if (!this.host.isOpen) return;
    event.preventDefault();
    const [x, y] = this.at(event);
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) this.view.pan(-(event.deltaX || event.deltaY) * lines, 0);
    else this.view.zoom(x, y, Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.0022)));
    this.repaint();
  }

  // Bring a box into sight when zoomed in.
  reach(box) {
    const { left, top, right, bottom } = this.view.rect(box), { width, height } = this.view.stage;
    if (left < 0 || top < 0 || right > width || bottom > height) this.view.pan(width / 2 - (left + right) / 2, height / 2 - (top + bottom) / 2);
    this.repaint();
  }

  toggle() {
    this.isHidden = !this.isHidden;
    this.repaint();
  }

  zoom(factor) {
    this.view.zoom(this.view.stage.width / 2, this.view.stage.height / 2, factor);
    this.repaint();
  }

  fit() {
    this.view.fit();
    this.repaint();
  }
}

function resized(box, edges, dx, dy) {
  const next = { ...box };
  if (edges.x) next[edges.x] = clamp(box[edges.x] + dx);
  if (edges.y) next[edges.y] = clamp(box[edges.y] + dy);
  if (next.left > next.right) [next.left, next.right] = [next.right, next.left];
  if (next.top > next.bottom) [next.top, next.bottom] = [next.bottom, next.top];
  return next;
}

function cursor(edges) {
  if (!edges.x) return "ns-resize";
  if (!edges.y) return "ew-resize";
  return (edges.x === "left") === (edges.y === "top") ? "nwse-resize" : "nesw-resize";
}
