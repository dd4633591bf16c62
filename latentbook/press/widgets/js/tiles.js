// Examples in a square of rows, on one canvas.

export class Tiles extends Sheet {
  /** @param {Painter} painter @param {number} side  How many in a row, and how many rows. @param {string} label */
  constructor(painter, side, label) {
    super({ class: "pane", role: "img", "aria-label": label }, () => this.redraw());
    Object.assign(this, { painter, side });
    this.element.style.aspectRatio = painter.aspect;
  }

  redraw() {
    this.show(this.list);
  }

  /** @param {ArrayLike<number>[]} list */
  show(list) {
    this.list = list;
    const context = this.clear();
    const gap = 3;
    const [width, height] = [this.width, this.height].map((size) => (size - gap * (this.side - 1)) / this.side);
    (list ?? []).forEach((values, index) => {
      const [column, row] = [index % this.side, Math.floor(index / this.side)];
      this.painter.paint(context, values, column * (width + gap), row * (height + gap), width, height);
    });
  }
}
