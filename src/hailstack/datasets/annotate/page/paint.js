// Drawing boxes over the picture.

import { colour, ink } from "./colours.js";

const FONT = "600 12px system-ui, sans-serif";
const PLATE = 17;
export const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  resize(width, height) {
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.width = width;
    this.height = height;
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  isInSight(view, box) {
    const rect = view.rect(box);
    return rect.right > 0 && rect.bottom > 0 && rect.left < this.width && rect.top < this.height;
  }

  paint(view, scene) {
    this.pen.clearRect(0, 0, this.width, this.height);
    if (!scene.isHidden) {
      for (const one of scene.proposals.filter(one => this.isInSight(view, one))) this.proposal(view, one, one === scene.chosenProposal, one.name || scene.name(one.cls));
      for (const box of scene.boxes) if (box !== scene.chosen && this.isInSight(view, box)) this.box(view, box, scene);
      if (scene.chosen) this.box(view, scene.chosen, scene);
    }
    if (scene.cross) this.cross(scene.cross);
    if (scene.hint) this.plate(scene.hint.x + 14, scene.hint.y + 26, scene.hint.text, "rgba(11,14,19,.85)", "#e6edf3");
  }

  box(view, box, scene) {
    const { pen } = this, rect = view.rect(box), isChosen = box === scene.chosen, isHovered = box === scene.hovered;
    pen.fillStyle = colour(box.cls, isChosen ? 0.2 : isHovered ? 0.16 : 0.06);
    this.trace(view, box, rect);
    pen.fill();
    pen.lineWidth = isChosen ? 5 : 4;
    pen.strokeStyle = "rgba(0, 0, 0, .55)";
    pen.stroke();
    pen.lineWidth = isChosen ? 2.5 : 2;
    pen.strokeStyle = isChosen ? "#ffffff" : colour(box.cls);
    pen.stroke();
    if (isChosen) {
      pen.setLineDash([6, 6]);
      pen.strokeStyle = colour(box.cls);
      pen.stroke();
      pen.setLineDash([]);
      const size = scene.isCoarse ? 13 : 8, side = Math.min(rect.right - rect.left, rect.bottom - rect.top);
      if (box.isBox && side > 2.5 * size) this.handles(rect, box.cls, size);
    }
    const isLarge = rect.right - rect.left > 28 || scene.boxes.length < 12;
    if (isChosen || isHovered || isLarge) this.label(rect, scene.name(box.cls), box.cls);
  }

  trace(view, box, rect) {
    const { pen } = this;
    pen.beginPath();
    if (box.outline) {
      box.outline.forEach(([x, y]) => pen.lineTo(...view.toStage(x, y)));
      pen.closePath();
    } else {
      pen.rect(rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top);
    }
  }

  handles(rect, cls, size) {
    const { pen } = this;
    pen.lineWidth = 1.5;
    for (const [x, y] of handlesOf(rect)) {
      pen.fillStyle = "#ffffff";
      pen.strokeStyle = colour(cls);
      pen.beginPath();
      pen.rect(x - size / 2, y - size / 2, size, size);
      pen.fill();
      pen.stroke();
    }
  }

  proposal(view, one, isChosen, name) {
    const { pen } = this, rect = view.rect(one);
    pen.beginPath();
    pen.rect(rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top);
    pen.fillStyle = isChosen ? "rgba(255, 255, 255, .14)" : "rgba(255, 255, 255, .04)";
    pen.fill();
    pen.lineWidth = 4;
    pen.strokeStyle = "rgba(0, 0, 0, .5)";
    pen.stroke();
    pen.setLineDash([5, 5]);
    pen.lineWidth = isChosen ? 3 : 2;
    pen.strokeStyle = one.cls === null || isChosen ? "#ffffff" : colour(one.cls);
    pen.stroke();
    pen.setLineDash([]);
    if (isChosen) this.ring(rect);
    const text = `${name} ${one.score.toFixed(2)}`;
    if (isChosen || rect.right - rect.left > 40) this.plate(rect.left, rect.top, text, "rgba(11, 14, 19, .8)", "#ffffff");
  }

  // Something to see from afar around what is small.
  ring(rect) {
    const { pen } = this;
    pen.beginPath();
    pen.ellipse((rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2, (rect.right - rect.left) * 0.71 + 10, (rect.bottom - rect.top) * 0.71 + 10, 0, 0, 2 * Math.PI);
    pen.lineWidth = 3;
    pen.strokeStyle = "rgba(125, 211, 252, .9)";
    pen.stroke();
  }

  label(rect, text, cls) {
    this.plate(rect.left - 1, rect.top, text, colour(cls), ink(cls));
  }

  // A line of text above (x, y), or below it at the upper edge.
  plate(x, y, text, ground, letters) {
    const { pen } = this;
    pen.font = FONT;
    const width = pen.measureText(text).width + 10;
    const left = Math.max(0, Math.min(x, this.width - width)), top = y - PLATE < 0 ? Math.max(0, y) : y - PLATE;
    pen.fillStyle = ground;
    pen.beginPath();
    pen.roundRect(left, top, width, PLATE, 3);
    pen.fill();
    pen.fillStyle = letters;
    pen.textBaseline = "middle";
    pen.fillText(text, left + 5, top + PLATE / 2 + 0.5);
  }

  cross({ x, y }) {
    const { pen } = this;
    for (const [style, width] of [["rgba(0, 0, 0, .45)", 3], ["rgba(255, 255, 255, .6)", 1]]) {
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(0, y); pen.lineTo(this.width, y);
      pen.moveTo(x, 0); pen.lineTo(x, this.height);
      pen.stroke();
    }
  }
}

export function handlesOf(rect) {
  const width = rect.right - rect.left, height = rect.bottom - rect.top;
  return HANDLES.map(([x, y]) => [rect.left + x * width, rect.top + y * height]);
}
