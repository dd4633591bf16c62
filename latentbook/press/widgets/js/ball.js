// The globe as it is drawn: shaded by the density, with a net of meridians, samples or codes, and the cap around μ.

// Pixels along a side of the shading, which is drawn larger, and steps of its colours from μ to the far side.
const SHADING = 256;
const STEPS = 2048;
// The density that has the middle colour, as a multiple of the uniform law's.
const MEDIUM = 2;
// Degrees between the lines of the net, and from point to point of a line.
const [NET, STRIDE] = [30, 5];
// Room around the globe, for a handle at its rim.
const MARGIN = 14;
const CIRCLE = 96;

/**
 * The share of the colours that a density has: r/(r + 2) for r times the uniform law's. What is thin goes with r itself,
 * and there is a colour for any peak.
 * @param {number} level  The logarithm of r.
 */
export const shareOfColours = (level) => 1 / (1 + MEDIUM * Math.exp(-level));

/** The shading of the front: one colour for each angle from μ. */
export class Shading {
  /** @param {string[]} colours  From the darkest to the brightest. */
  constructor(colours) {
    this.table = new Uint32Array(Uint8ClampedArray.from(tableOf(colours.map(parseColour)).flat()).buffer);
    this.steps = new Uint32Array(STEPS + 1);
    this.canvas = make("canvas", { width: SHADING, height: SHADING });
    this.context = this.canvas.getContext("2d");
    this.image = new ImageData(SHADING, SHADING);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.front = this.makeFront();
  }

  // Where each pixel is on the front, beside the globe where on its rim: there it is cut off, and no seam is seen.
  makeFront() {
    const middle = (i) => (2 * (i + 0.5)) / SHADING - 1;
    const front = new Float32Array(3 * SHADING ** 2);
    for (let i = 0; i < SHADING ** 2; i++) front.set(frontAt(middle(i % SHADING), -middle(Math.floor(i / SHADING))), 3 * i);
    return front;
  }

  /** @param {import("./laws.js").Law} law */
  take(law) {
    // Even in the sine of half the angle, which is √(d/2).
    for (let i = 0; i <= STEPS; i++) this.steps[i] = this.table[Math.round(255 * shareOfColours(law.level(2 * (i / STEPS) ** 2)))];
  }

  /** @param {Direction} mean  As who looks sees it. @returns {HTMLCanvasElement} */
  paint([x, y, z]) {
    const { front, pixels, steps } = this;
    const half = STEPS ** 2 / 2;
    for (let i = 0, at = 0; i < pixels.length; i++, at += 3) {
      const height = front[at] * x + front[at + 1] * y + front[at + 2] * z;
      pixels[i] = steps[Math.sqrt(Math.max(half - half * height, 0)) | 0];
    }
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }
}

/** The lines of the net, as places. @returns {Place[][]} */
function netOfLines() {
  const steps = (from, to) => Array.from({ length: (to - from) / STRIDE + 1 }, (_, i) => from + i * STRIDE);
  const meridians = steps(-180, 150).filter((longitude) => longitude % NET === 0);
  const parallels = steps(NET - 90, 90 - NET).filter((latitude) => latitude % NET === 0);
  return [
    ...meridians.map((longitude) => steps(-90, 90).map((latitude) => [longitude, latitude])),
    ...parallels.map((latitude) => steps(-180, 180).map((longitude) => [longitude, latitude])),
  ];
}

/**
 * @typedef {object} Scene  What there is to be seen.
 * @property {"law" | "codes"} shown
 * @property {Law} law
 * @property {Direction} mean
 * @property {Place} view
 * @property {number} cap  The height above which most of the law lies.
 * @property {Samples} samples
 * @property {{points: Float32Array, classOf: (index: number) => number, classes: {name: string, fill: string, middle: Direction}[]}} codes
 * @property {ReturnType<typeof themeOf>} theme
 */

export class Ball extends Sheet {
  /** @param {string[]} colours @param {() => void} redraw */
  constructor(colours, redraw) {
    super({ class: "ball", "aria-hidden": "true" }, redraw);
    this.shading = new Shading(colours);
    this.net = netOfLines().map((line) => line.map(directionOf));
  }

  get radius() {
    return this.width / 2 - MARGIN;
  }

  /** From the eye's own coordinates to the canvas. */
  toScreen([x, y]) {
    return [this.width / 2 + this.radius * x, this.width / 2 - this.radius * y];
  }

  /** @param {Scene} scene */
  paint(scene) {
    const context = this.clear();
    if (this.radius <= 0) return;
    this.axes = axesOf(scene.view);
    this.mean = seenFrom(this.axes, scene.mean);
    const isLaw = scene.shown === "law";
    this.ink = isLaw ? "#ffffff" : scene.theme.ink;
    this.paintGround(context, isLaw, scene.theme);
    this.paintEdge(context, scene.theme);
    this.paintNet(context);
    if (isLaw) this.paintSamples(context, scene.samples);
    else this.paintCodes(context, scene.codes, scene.theme);
    this.paintCap(context, scene.cap, scene.theme, isLaw);
    if (!isLaw) this.paintNames(context, scene.codes, scene.theme);
  }

  disc(context) {
    context.beginPath();
    context.arc(this.width / 2, this.width / 2, this.radius, 0, 2 * Math.PI);
  }

  paintGround(context, isLaw, theme) {
    const corner = this.width / 2 - this.radius;
    context.save();
    this.disc(context);
    context.clip();
    if (isLaw) context.drawImage(this.shading.paint(this.mean), corner, corner, 2 * this.radius, 2 * this.radius);
    this.paintRim(context, isLaw ? "0 0 0" : theme.dark ? "255 255 255" : "29 36 51");
    context.restore();
  }

  // What turns away is darker: the disc becomes a ball.
  paintRim(context, shade) {
    const middle = this.width / 2;
    const rim = context.createRadialGradient(middle, middle, 0.7 * this.radius, middle, middle, this.radius);
    rim.addColorStop(0, `rgb(${shade} / .03)`);
    rim.addColorStop(0.7, `rgb(${shade} / .08)`);
    rim.addColorStop(1, `rgb(${shade} / .3)`);
    context.fillStyle = rim;
    context.fillRect(0, 0, this.width, this.width);
  }

  // On near black the darkest colours have no edge of their own.
  paintEdge(context, theme) {
    this.disc(context);
    Object.assign(context, { strokeStyle: theme.ink, lineWidth: 1, globalAlpha: 0.3 });
    context.stroke();
    context.globalAlpha = 1;
  }

  paintNet(context) {
    context.beginPath();
    for (const line of this.net) this.trace(context, line.map((point) => seenFrom(this.axes, point)), true);
    Object.assign(context, { strokeStyle: this.ink, lineWidth: 1, globalAlpha: 0.17 });
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Add those parts of a line to the path that are in front, or behind. */
  trace(context, line, inFront) {
    let pen = false;
    for (const point of line) {
      const seen = point[2] >= 0 === inFront;
      if (seen) context[pen ? "lineTo" : "moveTo"](...this.toScreen(point));
      pen = seen;
    }
  }

  paintSamples(context, { points, count }) {
    const { radius, width } = this;
    const stamp = this.stampOf(Math.max(1.2, radius / 160));
    const half = stamp.side / 2;
    const [right, up, near] = this.axes;
    for (const inFront of [false, true]) {
      context.globalAlpha = inFront ? 0.95 : 0.16;
      for (let i = 0; i < 3 * count; i += 3) {
        const [x, y, z] = [points[i], points[i + 1], points[i + 2]];
        if (near[0] * x + near[1] * y + near[2] * z >= 0 !== inFront) continue;
        const across = width / 2 + radius * (right[0] * x + right[1] * y);
        const down = width / 2 - radius * (up[0] * x + up[1] * y + up[2] * z);
        context.drawImage(stamp.canvas, across - half, down - half, stamp.side, stamp.side);
      }
    }
    context.globalAlpha = 1;
  }

  /** A dot, drawn once and stamped often: thousands of circles take longer than a frame. Its rim keeps it off the bright peak. */
  stampOf(size) {
    const fine = window.devicePixelRatio || 1;
    if (this.stamp?.size === size && this.stamp.fine === fine) return this.stamp;
    const side = 2 * (size + 1);
    const canvas = make("canvas", { width: Math.ceil(side * fine), height: Math.ceil(side * fine) });
    const context = canvas.getContext("2d");
    context.scale(canvas.width / side, canvas.width / side);
    context.arc(side / 2, side / 2, size, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: "#fff", strokeStyle: "rgb(0 20 50 / .55)", lineWidth: 1 });
    context.stroke();
    context.fill();
    return (this.stamp = { size, fine, side, canvas });
  }

  paintCodes(context, { points, classOf, classes }, theme) {
    for (const inFront of [false, true]) {
      context.globalAlpha = inFront ? 1 : 0.13;
      for (let i = 0; 3 * i < points.length; i++) {
        const seen = seenFrom(this.axes, points.subarray(3 * i, 3 * i + 3));
        if (seen[2] >= 0 === inFront) this.paintCode(context, this.toScreen(seen), classes[classOf(i)]?.fill ?? theme.muted);
      }
    }
    context.globalAlpha = 1;
  }

  // A rim keeps a pale point off the paper.
  paintCode(context, [x, y], fill) {
    context.beginPath();
    context.arc(x, y, 2.6, 0, 2 * Math.PI);
    Object.assign(context, { strokeStyle: "rgb(110 110 110 / .8)", lineWidth: 1, fillStyle: fill });
    context.stroke();
    context.fill();
  }

  // A class is never known by its colour alone: its name stands where its points are, while that is in front.
  paintNames(context, { classes }, theme) {
    Object.assign(context, { font: "700 18px sans-serif", textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    for (const { name, middle } of classes) {
      const seen = middle && seenFrom(this.axes, middle);
      if (!seen || seen[2] < 0.1) continue;
      const [x, y] = this.toScreen(seen);
      Object.assign(context, { strokeStyle: theme.paper, lineWidth: 4, fillStyle: theme.ink });
      context.strokeText(name, x, y);
      context.fillText(name, x, y);
    }
  }

  /** The circle within which most of the law lies: whole in front, faint behind. */
  paintCap(context, height, theme, isLaw) {
    const radius = Math.sqrt(1 - height ** 2);
    const [first, second] = across(this.mean);
    const circle = Array.from({ length: CIRCLE + 1 }, (_, i) => {
      const [along, beside] = [radius * Math.cos((2 * Math.PI * i) / CIRCLE), radius * Math.sin((2 * Math.PI * i) / CIRCLE)];
      return this.mean.map((value, axis) => height * value + along * first[axis] + beside * second[axis]);
    });
    Object.assign(context, { strokeStyle: this.ink, lineJoin: "round" });
    for (const inFront of [false, true]) {
      context.beginPath();
      this.trace(context, circle, inFront);
      Object.assign(context, { globalAlpha: inFront ? 0.9 : 0.25, lineWidth: 1.5 });
      context.setLineDash([5, 4]);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }
}
