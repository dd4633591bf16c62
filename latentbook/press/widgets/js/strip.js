// What the decoder makes, drawn: images as squares of pixels, other data as curves, bodies as bones; and strips of them.

/**
 * @typedef {object} EventShape
 * @property {"image" | "curve" | "skeleton"} kind
 * @property {number[]} shape  Of one example: rows and columns, perhaps channels before them; values; joints and coordinates.
 * @property {[number, number]} range  Values that are drawn black and white, or lowest and highest.
 * @property {[number, number][]} bones  Pairs of joints.
 */

// Grey images are ink on the page's own ground, in either theme: the brighter a pixel, the denser the ink.
const [FAINTEST, DENSEST] = [0.1, 1];

/** Draws one example after the other into boxes of a canvas. */
export class Painter {
  /** @param {EventShape} event @param {() => {ink: string, hair: string}} colours  Asked at every painting: themes change. */
  constructor(event, colours) {
    this.event = event;
    this.colours = colours;
    this.aspect = event.kind === "curve" ? 1.5 : 1;
    if (event.kind !== "image") return;
    const [channels, rows, columns] = event.shape.length === 2 ? [1, ...event.shape] : event.shape;
    Object.assign(this, { channels, rows, columns, aspect: columns / rows });
    this.stamp = make("canvas", { width: columns, height: rows }).getContext("2d");
    this.pixels = new ImageData(columns, rows);
  }

  /** @param {CanvasRenderingContext2D} context @param {ArrayLike<number>} values @param {number} x @param {number} y @param {number} width @param {number} height */
  paint(context, values, x, y, width, height) {
    context.save();
    context.translate(x, y);
    if (this.event.kind === "image") this.paintImage(context, values, width, height);
    if (this.event.kind === "curve") this.paintCurve(context, values, width, height);
    if (this.event.kind === "skeleton") this.paintSkeleton(context, values, width, height);
    context.restore();
  }

  paintImage(context, values, width, height) {
    this.channels === 3 ? this.fillColours(values) : this.fillDensities(values);
    this.stamp.putImageData(this.pixels, 0, 0);
    if (this.channels === 1) this.tint();
    context.imageSmoothingEnabled = false;
    context.drawImage(this.stamp.canvas, 0, 0, width, height);
  }

  share(value) {
    const [low, high] = this.event.range;
    return Math.min(Math.max((value - low) / (high - low), 0), 1);
  }

  fillDensities(values) {
    const { data } = this.pixels;
    const size = this.rows * this.columns;
    for (let pixel = 0; pixel < size; pixel++)
      data[4 * pixel + 3] = 255 * (FAINTEST + (DENSEST - FAINTEST) * this.share(values[pixel]));
  }

  fillColours(values) {
    const { data } = this.pixels;
    const size = this.rows * this.columns;
    for (let pixel = 0; pixel < size; pixel++) {
      for (let colour = 0; colour < 3; colour++) data[4 * pixel + colour] = 255 * this.share(values[colour * size + pixel]);
      data[4 * pixel + 3] = 255;
    }
  }

  /** Give what is dense the colour of ink. */
  tint() {
    this.stamp.globalCompositeOperation = "source-in";
    this.stamp.fillStyle = this.colours().ink;
    this.stamp.fillRect(0, 0, this.columns, this.rows);
    this.stamp.globalCompositeOperation = "source-over";
  }

  paintCurve(context, values, width, height) {
    const [low, high] = this.event.range;
    const across = (index) => ((index + 0.5) / values.length) * width;
    const down = (value) => height * (1 - (value - low) / (high - low));
    if (low < 0 && high > 0) trace(context, [[0, down(0)], [width, down(0)]], this.colours().hair, 1);
    trace(context, Array.from(values, (value, index) => [across(index), down(value)]), this.colours().ink, 2);
  }

  paintSkeleton(context, values, width, height) {
    const [, coordinates] = this.event.shape;
    const [low, high] = this.event.range;
    const scale = Math.min(width, height) / (high - low);
    const middle = (low + high) / 2;
    // The first coordinate to the right, the second up; a third one, depth, is left out.
    const place = (joint) => [
      width / 2 + scale * (values[joint * coordinates] - middle),
      height / 2 - scale * (values[joint * coordinates + 1] - middle),
    ];
    for (const [one, other] of this.event.bones) trace(context, [place(one), place(other)], this.colours().ink, 2);
  }
}

function trace(context, points, colour, width) {
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  Object.assign(context, { strokeStyle: colour, lineWidth: width, lineJoin: "round", lineCap: "round" });
  context.stroke();
}

/** A canvas of the size that it has on the screen, in the screen's own pixels. */
export class Sheet {
  /** @param {Record<string, string>} attributes @param {() => void} redraw  Called when its size has changed. */
  constructor(attributes, redraw) {
    this.element = make("canvas", attributes);
    this.context = this.element.getContext("2d");
    this.width = this.height = 0;
    this.watch = new ResizeObserver(([entry]) => {
      this.resize(entry.contentRect);
      redraw();
    });
    this.watch.observe(this.element);
    this.changed = redraw;
    this.watchScreen();
  }

  // The same size in finer pixels, as after a move to another screen, is no change of size.
  watchScreen() {
    this.screen = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
    this.moved = () => {
      this.resize(this);
      this.changed();
      this.watchScreen();
    };
    this.screen.addEventListener("change", this.moved, { once: true });
  }

  resize({ width, height }) {
    const fine = window.devicePixelRatio || 1;
    Object.assign(this, { width, height });
    Object.assign(this.element, { width: Math.round(width * fine), height: Math.round(height * fine) });
    this.context.setTransform(fine, 0, 0, fine, 0, 0);
  }

  clear() {
    this.context.clearRect(0, 0, this.width, this.height);
    return this.context;
  }

  close() {
    this.watch.disconnect();
    this.screen.removeEventListener("change", this.moved);
  }
}

/** One example, as large as its place. */
export class Pane extends Sheet {
  /** @param {Painter} painter @param {string} label  What a screen reader calls it. */
  constructor(painter, label) {
    super({ class: "pane", role: "img", "aria-label": label }, () => this.redraw());
    this.painter = painter;
    this.element.style.aspectRatio = painter.aspect;
  }

  redraw() {
    this.show(this.values);
  }

  /** @param {ArrayLike<number> | null} values */
  show(values) {
    this.values = values;
    const context = this.clear();
    if (values) this.painter.paint(context, values, 0, 0, this.width, this.height);
  }
}

/** Examples along a curve, side by side. */
export class Strip extends Sheet {
  /** @param {Painter} painter @param {number} count @param {string} label */
  constructor(painter, count, label) {
    super({ class: "strip", role: "img", "aria-label": label }, () => this.redraw());
    this.painter = painter;
    this.count = count;
    this.element.style.aspectRatio = `${count * painter.aspect} / 1`;
  }

  redraw() {
    this.show(this.list);
  }

  /** @param {ArrayLike<number>[]} list */
  show(list) {
    this.list = list;
    const context = this.clear();
    const gap = 2;
    const width = (this.width - gap * (this.count - 1)) / this.count;
    (list ?? []).forEach((values, index) => this.painter.paint(context, values, index * (width + gap), 0, width, this.height));
  }
}
