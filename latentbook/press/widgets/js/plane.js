// The latent plane: area scale, points and ellipses on a canvas, curves and handles over it, and what pointer and keys do.

const HANDLES = {
  probe: { label: "probe", radius: 7 },
  start: { label: "A, start of the path", radius: 9, letter: "A" },
  end: { label: "B, end of the path", radius: 9, letter: "B" },
};
// Half the side of what a finger hits, and how near a point a click has to be.
const TOUCH = 15;
const NEAR = { mouse: 7, pen: 9, touch: 14 };
// Steps in parts of half the side; with the shift key five times as far.
const STEP = 0.02;
const KEYS = {
  ...{ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] },
  ...{ PageUp: [0, 5], PageDown: [0, -5], Home: [-Infinity, 0], End: [Infinity, 0] },
};
// An ellipse whose long half axis is longer, in pixels, fades.
const ROOMY = 32;
// A name stands so many pixels above the middle of its points, where a handle may be.
const ABOVE = 20;

/**
 * @typedef {object} Listener  What the plane tells.
 * @property {(name: string, point: Point) => void} move  A handle goes to a point.
 * @property {(index: number) => void} pick  A data point was chosen for the probe.
 * @property {() => void} settle  The reader has let go.
 * @property {() => void} undo  What the last touch began was a scroll.
 * @property {() => Record<string, Point>} positions  Where the handles are.
 * @property {(point: Point) => {index: number, distance: number}} nearest  The data point nearest to a place.
 * @property {(point: Point | null) => void} hover  A mouse without a button is over a point, or gone.
 */

export class Plane {
  /** @param {{plane: {centre: Point, reach: number}, alt: string}} content @param {Listener} listener @param {() => void} redraw */
  constructor(content, listener, redraw) {
    this.extent = content.plane;
    this.listener = listener;
    this.sheet = new Sheet({ class: "cloud", "aria-hidden": "true" }, redraw);
    this.svg = draw("svg", { class: "over", role: "group", "aria-label": "latent plane" });
    this.element = make("div", { class: "plane" }, this.sheet.element, this.svg);
    this.layers = this.makeLayers();
    this.handles = Object.fromEntries(Object.keys(HANDLES).map((name) => [name, this.makeHandle(name)]));
    this.listen();
  }

  get side() {
    return this.sheet.width;
  }

  /** From the plane to the screen. @param {Point} point */
  toScreen([x, y]) {
    const { centre, reach } = this.extent;
    const scale = this.side / (2 * reach);
    return [(x - centre[0] + reach) * scale, (centre[1] + reach - y) * scale];
  }

  /** Where an event is on the plane. */
  toPlane({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    const { centre, reach } = this.extent;
    const across = (clientX - box.left - this.element.clientLeft) / this.side;
    const down = (clientY - box.top - this.element.clientTop) / this.side;
    return this.clamp([centre[0] + (2 * across - 1) * reach, centre[1] - (2 * down - 1) * reach]);
  }

  clamp(point) {
    const { centre, reach } = this.extent;
    return point.map((value, axis) => Math.min(Math.max(value, centre[axis] - reach), centre[axis] + reach));
  }

  holds(point) {
    return this.clamp(point).every((value, axis) => value === point[axis]);
  }

  // ---- what lies over the canvas ----

  // Each with a rim of paper below it, so that it is seen on any shade.
  makeLayers() {
    const layer = (tag, name) => {
      const pair = [`${name} halo`, name].map((own) => draw(tag, { class: own, "aria-hidden": "true" }));
      this.svg.append(...pair);
      return pair;
    };
    return {
      line: layer("line", "straight"),
      curve: layer("polyline", "geodesic"),
      posterior: layer("ellipse", "posterior"),
      ellipse: layer("ellipse", "metric"),
      hovered: layer("ellipse", "metric faint"),
    };
  }

  makeHandle(name) {
    const { label, radius, letter } = HANDLES[name];
    const { centre, reach } = this.extent;
    const help = name === "probe" ? "arrow keys move it, Enter takes the nearest dot" : "arrow keys move it";
    const handle = draw(
      "g",
      {
        ...{ class: `handle ${name}`, tabindex: 0, "data-name": name },
        ...{ role: "slider", "aria-label": `${label}, ${help}` },
        ...{ "aria-valuemin": (centre[0] - reach).toFixed(2), "aria-valuemax": (centre[0] + reach).toFixed(2) },
      },
      draw("circle", { class: "reach", r: TOUCH }),
      draw("circle", { class: "dot", r: radius }),
      ...(letter ? [draw("text", {}, letter)] : []),
    );
    return this.svg.appendChild(handle);
  }

  /** Put a handle to a point, and say where that is in the model's own words. */
  place(name, point, words) {
    const [x, y] = this.toScreen(this.clamp(point));
    set(this.handles[name], {
      transform: `translate(${x} ${y})`,
      "aria-valuenow": point[0].toFixed(2),
      "aria-valuetext": words,
    });
    this.handles[name].classList.toggle("outside", !this.holds(point));
  }

  /** @param {"line" | "curve"} name @param {Point[]} points */
  path(name, points) {
    const screen = points.map((point) => this.toScreen(point));
    const [[x1, y1], [x2, y2]] = screen;
    const shape = name === "curve" ? { points: screen.map((point) => point.join()).join(" ") } : { x1, y1, x2, y2 };
    this.layers[name].forEach((element) => set(element, shape));
  }

  /** @param {"ellipse" | "hovered" | "posterior"} name @param {Point | null} at @param {Symmetric | null} shape */
  oval(name, at, shape) {
    const pair = this.layers[name];
    pair.forEach((element) => (element.style.display = at && shape ? "" : "none"));
    if (!at || !shape) return;
    const { long, short, angle } = semiAxes(shape);
    const [cx, cy] = this.toScreen(at);
    const scale = this.side / (2 * this.extent.reach);
    const turn = `rotate(${(-angle * 180) / Math.PI} ${cx} ${cy})`;
    pair.forEach((element) => set(element, { cx, cy, rx: long * scale, ry: short * scale, transform: turn }));
  }

  // ---- the canvas ----

  /**
   * @param {object} scene
   * @param {Float64Array} scene.codes
   * @param {(index: number) => number} scene.classOf
   * @param {{fill: string, name: string, middle: Point | null}[]} scene.classes
   * @param {{at: Point, shape: Symmetric | null, faint: boolean}[]} scene.ellipses
   * @param {CanvasImageSource | null} scene.background
   * @param {ReturnType<typeof themeOf>} scene.theme
   */
  paint(scene) {
    const context = this.sheet.clear();
    if (!this.side) return;
    if (scene.background) this.paintBackground(context, scene.background);
    this.paintPoints(context, scene);
    this.paintEllipses(context, scene);
    this.paintNames(context, scene);
  }

  paintBackground(context, image) {
    context.imageSmoothingEnabled = true;
    context.drawImage(image, 0, 0, this.side, this.side);
  }

  paintPoints(context, { codes, classOf, classes, background, theme }) {
    // A rim keeps a pale point off the paper; over shades, one of paper keeps it off a ground of nearly its own colour.
    const rim = background ? { strokeStyle: theme.paper, lineWidth: 1.5 } : { strokeStyle: "rgb(110 110 110 / .8)", lineWidth: 1 };
    Object.assign(context, rim);
    for (let index = 0; 2 * index < codes.length; index++) {
      const [x, y] = this.toScreen([codes[2 * index], codes[2 * index + 1]]);
      context.beginPath();
      context.arc(x, y, 2.5, 0, 2 * Math.PI);
      context.stroke();
      context.fillStyle = classes[classOf(index)]?.fill ?? theme.muted;
      context.fill();
    }
  }

  paintEllipses(context, { ellipses, theme, background }) {
    const scale = this.side / (2 * this.extent.reach);
    for (const { at, shape, faint } of ellipses) {
      if (!shape) continue;
      const { long, short, angle } = semiAxes(shape);
      const [x, y] = this.toScreen(at);
      context.beginPath();
      context.ellipse(x, y, long * scale, short * scale, -angle, 0, 2 * Math.PI);
      // What reaches over its neighbours would hide them all.
      context.globalAlpha = (faint ? 0.2 : 0.95) * Math.min(1, ROOMY / (long * scale));
      this.strokeEllipse(context, theme, background);
    }
    context.globalAlpha = 1;
  }

  strokeEllipse(context, theme, background) {
    Object.assign(context, { strokeStyle: "rgb(20 22 26 / .45)", lineWidth: 2.6 });
    if (background) context.stroke();
    Object.assign(context, { strokeStyle: background ? "#fff" : theme.muted, lineWidth: 1.1 });
    context.stroke();
  }

  // A class is never known by its colour alone: its name stands where the median of its points is. Points may be pale,
  // words not.
  paintNames(context, { classes, theme }) {
    Object.assign(context, { font: "700 18px sans-serif", textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    classes.forEach(({ name, middle }) => {
      if (!middle) return;
      const [x, y] = this.toScreen(middle);
      Object.assign(context, { strokeStyle: theme.paper, lineWidth: 4, fillStyle: theme.ink });
      context.strokeText(name, x, y - ABOVE);
      context.fillText(name, x, y - ABOVE);
    });
  }

  // ---- pointer and keys ----

  listen() {
    this.drag = null;
    set(this.element, {
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.follow(event),
      pointerup: (event) => this.isMine(event) && this.release(event),
      pointercancel: (event) => this.isMine(event) && this.abandon(),
      pointerleave: () => this.listener.hover(null),
      keydown: (event) => this.key(event),
      keyup: (event) => event.key in KEYS && this.settleKeys(),
      // Not at the drawing: one that listens to focus becomes a stop of the Tab key.
      focusin: () => this.listener.hover(null),
      focusout: () => this.settleKeys(),
    });
  }

  /** Whether an event is of the pointer that drags: a second finger does nothing. */
  isMine({ pointerId }) {
    return this.drag?.pointer === pointerId;
  }

  press(event) {
    if (event.button > 0 || this.drag) return;
    const name = event.target.closest?.(".handle")?.dataset.name;
    const from = [event.clientX, event.clientY];
    this.drag = { pointer: event.pointerId, name: name ?? "probe", from, moved: false, grabbed: Boolean(name) };
    this.listener.hover(null);
    // Otherwise the pointer is lost at the edge; an invented event has no pointer to capture.
    if (event.isTrusted) this.element.setPointerCapture(event.pointerId);
    this.handles[this.drag.name].focus({ preventScroll: true });
    // A finger may be about to scroll; it taps when it lifts.
    this.drag.taps = !name && event.pointerType === "touch";
    if (!name && !this.drag.taps) this.tap(event);
    event.preventDefault();
  }

  /** Choose the data point under the pointer, or put the probe there, if there is no handle. */
  tap(event) {
    const { index, distance } = this.listener.nearest(this.toPlane(event));
    const reach = (NEAR[event.pointerType] ?? NEAR.mouse) * ((2 * this.extent.reach) / this.side);
    if (distance < reach) this.listener.pick(index);
    else if (!this.drag.grabbed) this.listener.move("probe", this.toPlane(event));
  }

  follow(event) {
    if (this.isMine(event)) {
      this.drag.moved ||= this.hasLeft(event);
      if (this.drag.moved) this.listener.move(this.drag.name, this.toPlane(event));
    } else if (!this.drag && event.pointerType !== "touch") {
      this.listener.hover(event.target.closest?.(".handle") ? null : this.toPlane(event));
    }
  }

  /** A hand that clicks trembles; a finger beside a handle that goes up or down scrolls the page. */
  hasLeft({ clientX, clientY }) {
    const [right, down] = [Math.abs(clientX - this.drag.from[0]), Math.abs(clientY - this.drag.from[1])];
    return this.drag.taps ? right > 8 && right > down : Math.hypot(right, down) > 3;
  }

  release(event) {
    // A handle may lie over a data point, and who does not drag it means that.
    if ((this.drag.taps || this.drag.grabbed) && !this.drag.moved) this.tap(event);
    this.drag = null;
    this.listener.settle();
  }

  abandon() {
    this.drag = null;
    this.listener.undo();
  }

  key(event) {
    const name = event.target.closest(".handle")?.dataset.name;
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    this.listener.hover(null);
    if (event.key in KEYS) this.stride(name, KEYS[event.key], event.shiftKey ? 5 * STEP : STEP);
    else if (name === "probe" && (event.key === "Enter" || event.key === " ")) this.takeNearest();
    else if (event.key === "Escape" && this.drag) this.abandon();
    else return;
    event.preventDefault();
  }

  stride(name, way, step) {
    const from = this.listener.positions()[name];
    this.keyed = true;
    // No way at all times a step without end is no number.
    const by = way.map((share) => (share ? share * step * this.extent.reach : 0));
    this.listener.move(name, this.clamp([from[0] + by[0], from[1] + by[1]]));
  }

  takeNearest() {
    const { index } = this.listener.nearest(this.listener.positions().probe);
    if (index >= 0) this.listener.pick(index);
    this.listener.settle();
  }

  /** A key was let go, here or elsewhere. */
  settleKeys() {
    if (this.keyed) this.listener.settle();
    this.keyed = false;
  }

  close() {
    this.sheet.close();
  }
}
