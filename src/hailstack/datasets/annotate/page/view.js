// Where the picture lies on the stage. Shares of the picture ⇄ CSS pixels of the stage.

const LARGEST = 48;  // CSS pixels a pixel of the picture

export class View {
  constructor() {
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.stage = { width: 1, height: 1 };
    this.picture = { width: 1, height: 1 };
    this.isFitted = true;
  }

  get fitted() {
    const room = Math.min(24, this.stage.width / 30);
    return Math.min((this.stage.width - 2 * room) / this.picture.width, (this.stage.height - 2 * room) / this.picture.height);
  }

  resize(width, height) {
    this.stage = { width, height };
    if (this.isFitted) this.fit(); else this.hold();
  }

  show(width, height) {
    const same = width === this.picture.width && height === this.picture.height;
    this.picture = { width, height };
    if (this.isFitted || !same) this.fit();  // a zoomed view stays when the next picture has the same size
  }

  fit() {
    this.scale = Math.max(this.fitted, 1e-3);
    this.x = (this.stage.width - this.picture.width * this.scale) / 2;
    this.y = (this.stage.height - this.picture.height * this.scale) / 2;
    this.isFitted = true;
  }

  zoom(x, y, factor) {
    const scale = Math.min(LARGEST, Math.max(this.fitted / 2, this.scale * factor));
    this.x = x - (x - this.x) * scale / this.scale;
    this.y = y - (y - this.y) * scale / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.hold();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.hold();
  }

  // Some of the picture stays in sight.
  hold() {
    const keep = 80, width = this.picture.width * this.scale, height = this.picture.height * this.scale;
    this.x = Math.min(this.stage.width - keep, Math.max(keep - width, this.x));
    this.y = Math.min(this.stage.height - keep, Math.max(keep - height, this.y));
  }

  toStage(x, y) {
    return [this.x + x * this.picture.width * this.scale, this.y + y * this.picture.height * this.scale];
  }

  toShare(x, y) {
    return [(x - this.x) / (this.picture.width * this.scale), (y - this.y) / (this.picture.height * this.scale)];
  }

  rect(box) {
    const [left, top] = this.toStage(box.left, box.top), [right, bottom] = this.toStage(box.right, box.bottom);
    return { left, top, right, bottom };
  }
}
