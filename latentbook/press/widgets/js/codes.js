// What travels with a globe besides its law: a decoder of S², and the codes of examples.

// Samples that are decoded, in rows and columns.
const SIDE = 3;

/** Codes of examples: points, classes, and where the middle of each class is. */
export class Codes {
  /** @param {{classes: string[]}} content @param {DataView} codes @param {DataView} labels */
  constructor({ classes }, codes, labels) {
    this.points = halves(codes);
    this.labels = new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength);
    this.middles = classes.map((_, which) => this.middleOf(which));
    this.names = classes;
  }

  get count() {
    return this.points.length / 3;
  }

  /** The mean direction of a class; null where it has no points. */
  middleOf(which) {
    const sums = [0, 0, 0];
    for (let i = 0; i < this.points.length; i++) if (this.labels[Math.floor(i / 3)] === which) sums[i % 3] += this.points[i];
    const length = Math.hypot(...sums);
    return length ? sums.map((sum) => sum / length) : null;
  }

  /** As the globe draws them. @param {boolean} dark */
  scene(dark) {
    const fill = (which) => PALETTE.classes[which][+dark];
    const classes = this.names.map((name, which) => ({ name, middle: this.middles[which], fill: fill(which) }));
    return { points: this.points, classOf: (index) => this.labels[index], classes };
  }
}

/** What a decoder makes of μ, and of some samples of the law around it. */
export class Decoded {
  /** @param {{decoder: Layer[], event: EventShape}} content @param {DataView} weights @param {() => {ink: string, accent: string}} colours */
  constructor({ decoder, event }, weights, colours) {
    this.decoder = new Perceptron(decoder, halves(weights));
    const painter = (ink) => new Painter(event, () => ({ ...colours(), ink: colours()[ink] }));
    this.mean = new Pane(painter("accent"), "what the decoder makes of μ");
    this.some = new Tiles(painter("ink"), SIDE, `what the decoder makes of ${SIDE ** 2} samples`);
    this.values = Array.from({ length: SIDE ** 2 + 1 }, () => new Float64Array(this.decoder.outputs));
    const words = make("span", {}, `${SIDE ** 2} samples around it`);
    this.element = make("div", { class: "panes" }, framed(this.mean.element, make("span", {}, "the image at μ")), framed(this.some.element, words));
  }

  /** @param {Direction} mean @param {Samples} samples */
  show(mean, { points }) {
    const [first, ...others] = this.values;
    this.decoder.forward(mean, first);
    others.forEach((values, i) => this.decoder.forward(points.subarray(3 * i, 3 * i + 3), values));
    this.redraw();
  }

  redraw() {
    const [first, ...others] = this.values;
    this.mean.show(first);
    this.some.show(others);
  }

  close() {
    this.mean.close();
    this.some.close();
  }
}
