// Images of all cells on one sheet, and those of one cell as small canvases, which the style sheet enlarges.

// Side of an image in CSS pixels: whole pixels of the image each, so that all are squares of one size.
const [LEAST, ROOMY] = [40, 56];

/** Sides of an image on a narrow and on a wide page. @param {number} width  In its own pixels. */
export const sidesOf = (width) => [LEAST, ROOMY].map((side) => width * Math.ceil(side / width));

/** A sheet, of which one cell is shown. */
export class Sheet {
  /** @param {{count: number, source: string}} sheet  How many images a cell has there, and the address. @param {[number, number, number]} shape */
  constructor({ count, source }, [channels, height, width]) {
    Object.assign(this, { count, channels, height, width, cell: [0, 0] });
    this.canvases = Array.from({ length: count }, () => make("canvas", { width, height }));
    this.image = make("img", { src: source });
    this.image.decode().then(() => this.paint());
  }

  /** @param {[number, number]} cell */
  show(cell) {
    this.cell = cell;
    this.paint();
  }

  /** Paint what is shown with the ink of the theme, as soon as the sheet is there. */
  paint() {
    if (!this.image.complete) return;
    const { ink } = themeOf(this.canvases[0]);
    this.canvases.forEach((canvas, index) => this.paintOne(canvas.getContext("2d"), index, ink));
  }

  paintOne(context, index, ink) {
    const { cell: [row, column], count, channels, height, width } = this;
    context.globalCompositeOperation = "copy";
    context.drawImage(this.image, (column * count + index) * width, row * height, width, height, 0, 0, width, height);
    if (channels === 3) return;
    // What travels is how dense the ink is.
    context.globalCompositeOperation = "source-in";
    context.fillStyle = ink;
    context.fillRect(0, 0, width, height);
  }
}

/** What a cell makes of the inputs, below them, and samples of its prior. */
export class Images {
  /** @param {{shape: [number, number, number], inputs: object, reconstructions: object, samples: object}} images */
  constructor({ shape, inputs, reconstructions, samples }) {
    this.inputs = new Sheet(inputs, shape);
    this.reconstructions = new Sheet(reconstructions, shape);
    this.samples = new Sheet(samples, shape);
    const pairs = this.inputs.canvases.map((canvas, i) => make("div", { class: "pair" }, canvas, this.reconstructions.canvases[i]));
    this.words = [make("figcaption"), make("figcaption")];
    const tiles = [make("div", { class: "tiles" }, ...pairs), make("div", { class: "tiles" }, ...this.samples.canvases)];
    this.figures = tiles.map((row, i) => make("figure", {}, this.words[i], row));
    this.element = make("div", { class: "images" }, ...this.figures);
    const [narrow, wide] = sidesOf(shape[2]);
    // Samples stand in two rows, as the pairs do.
    this.element.style.cssText = `--narrow: ${narrow}px; --wide: ${wide}px; --across: ${Math.ceil(samples.count / 2)}`;
    set(tiles[0], { role: "img", "aria-label": `${inputs.count} inputs, and below each its reconstruction` });
    set(tiles[1], { role: "img", "aria-label": `${samples.count} samples from the prior` });
  }

  /** @param {[number, number]} cell @param {boolean} failed */
  show(cell, failed) {
    this.words[0].textContent = failed ? "Inputs; this training failed" : "Inputs, below each its reconstruction";
    this.words[1].textContent = failed ? "No samples: this training failed" : "Samples from the prior";
    this.element.classList.toggle("failed", failed);
    this.reconstructions.show(cell);
    this.samples.show(cell);
  }

  paint() {
    for (const sheet of [this.inputs, this.reconstructions, this.samples]) sheet.paint();
  }
}
