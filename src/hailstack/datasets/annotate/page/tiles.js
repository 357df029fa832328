// Thousands of small pictures: only those in sight are in the page.

const PATIENCE = 60;  // ms in sight before a picture is asked for, so that scrolling far asks for nothing

export class Tiles {
  // fill(tile, id) shows the state of a picture; pick(id) opens it; source(id) is the address of its small picture.
  constructor(element, size, fill, pick, source) {
    this.element = element;
    this.size = size;
    this.fill = fill;
    this.source = source;
    this.ids = [];
    this.shown = new Map();
    this.sheet = document.createElement("div");
    this.sheet.className = "sheet";
    element.append(this.sheet);
    element.addEventListener("scroll", () => this.lay(), { passive: true });
    this.sheet.addEventListener("click", event => {
      const tile = event.target.closest("button");
      if (tile) pick(Number(tile.dataset.id));
    });
    new ResizeObserver(() => this.lay()).observe(element);
  }

  get columns() { return Math.max(1, Math.floor((this.element.clientWidth - 8) / this.size.width)); }

  show(ids) {
    this.ids = ids;
    this.places = new Map(ids.map((id, place) => [id, place]));
    this.lay();
  }

  // The numbers mean other pictures than before.
  empty() {
    for (const tile of this.shown.values()) tile.remove();
    this.shown.clear();
  }

  lay() {
    if (!this.element.clientHeight) return;
    const { columns } = this, { height } = this.size, width = (this.element.clientWidth - 8) / columns;
    this.sheet.style.height = `${Math.ceil(this.ids.length / columns) * height + 8}px`;
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - 1) * columns;
    const last = first + (Math.ceil(this.element.clientHeight / height) + 3) * columns;
    const wanted = new Set(this.ids.slice(first, last));
    for (const [id, tile] of this.shown) if (!wanted.has(id)) { tile.remove(); this.shown.delete(id); }
    for (const id of wanted) {
      const place = this.places.get(id), tile = this.shown.get(id) ?? this.make(id);
      tile.style.width = `${width - 8}px`;
      tile.style.transform = `translate(${8 + (place % columns) * width}px, ${8 + Math.floor(place / columns) * height}px)`;
      this.fill(tile, id);
    }
  }

  make(id) {
    const tile = document.createElement("button");
    tile.dataset.id = id;
    tile.tabIndex = -1;
    tile.style.height = `${this.size.height - 8}px`;
    const image = document.createElement("img");
    image.alt = "";
    image.decoding = "async";
    image.onerror = () => tile.classList.add("broken");
    setTimeout(() => { if (tile.isConnected) image.src = this.source(id); }, PATIENCE);
    const note = document.createElement("span");
    tile.append(image, note);
    this.sheet.append(tile);
    this.shown.set(id, tile);
    return tile;
  }

  refresh(id) {
    const tile = this.shown.get(id);
    if (tile) this.fill(tile, id);
  }

  refreshAll() {
    for (const [id, tile] of this.shown) this.fill(tile, id);
  }

  // Bring a picture into sight.
  reach(id) {
    const place = this.places?.get(id);
    if (place === undefined || !this.element.clientHeight) return;
    const top = Math.floor(place / this.columns) * this.size.height, { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || top + 2 * this.size.height > scrollTop + clientHeight) {
      this.element.scrollTop = top - clientHeight / 2 + this.size.height / 2;
    }
    this.lay();
  }
}
