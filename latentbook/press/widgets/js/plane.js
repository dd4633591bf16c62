// The latent plane: area scale, points and ellipses on a canvas, curves and handles over it, and what pointer and keys do.

const HANDLES = {
  probe: { label: "probe", radius: 7 },
  start: { label: "start of the path", radius: 8 },
  end: { label: "end of the path", radius: 8 },
};
// Half the side of what a finger hits, and how near a point a click has to be.
const TOUCH = 15;
const NEAR = { mouse: 7, pen: 9, touch: 14 };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

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
    this.svg = draw("svg", { class: "over", role: "group", "aria-label": content.alt });
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

  makeLayers() {
    const layer = (tag, name) => this.svg.appendChild(draw(tag, { class: name, "aria-hidden": "true" }));
    return {
      line: layer("line", "straight"),
      curve: layer("polyline", "geodesic"),
      posterior: layer("ellipse", "posterior"),
      ellipse: layer("ellipse", "metric"),
      hovered: layer("ellipse", "metric faint"),
    };
  }

  makeHandle(name) {
    const { label, radius } = HANDLES[name];
    const handle = draw(
      "g",
      { class: `handle ${name}`, tabindex: 0, role: "slider", "aria-label": label, "aria-valuenow": 0, "data-name": name },
      draw("circle", { class: "reach", r: TOUCH }),
      draw("circle", { class: "dot", r: radius }),
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
    if (name === "curve") return set(this.layers.curve, { points: screen.map((point) => point.join()).join(" ") });
    const [[x1, y1], [x2, y2]] = screen;
    return set(this.layers.line, { x1, y1, x2, y2 });
  }

  /** @param {"ellipse" | "hovered" | "posterior"} name @param {Point | null} at @param {Symmetric | null} shape */
  oval(name, at, shape) {
    const layer = this.layers[name];
    layer.style.display = at && shape ? "" : "none";
    if (!at || !shape) return;
    const { long, short, angle } = semiAxes(shape);
    const [cx, cy] = this.toScreen(at);
    const scale = this.side / (2 * this.extent.reach);
    const turn = `rotate(${(-angle * 180) / Math.PI} ${cx} ${cy})`;
    set(layer, { cx, cy, rx: long * scale, ry: short * scale, transform: turn });
  }

  // ---- the canvas ----

  /**
   * @param {object} scene
   * @param {Float64Array} scene.codes
   * @param {(index: number) => number} scene.classOf
   * @param {{fill: string, name: string}[]} scene.classes
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
    Object.assign(context, { strokeStyle: theme.paper, lineWidth: 1.5 });
    for (let index = 0; 2 * index < codes.length; index++) {
      const [x, y] = this.toScreen([codes[2 * index], codes[2 * index + 1]]);
      context.beginPath();
      context.arc(x, y, 2.5, 0, 2 * Math.PI);
      // Over shades, a rim keeps a point off a ground of nearly its own colour.
      if (background) context.stroke();
      context.fillStyle = classes[classOf(index)]?.fill ?? theme.muted;
      context.fill();
    }
  }

  paintEllipses(context, { ellipses, theme, background }) {
    const scale = this.side / (2 * this.extent.reach);
    Object.assign(context, { strokeStyle: background ? "#fff" : theme.muted, lineWidth: 1.1 });
    for (const { at, shape, faint } of ellipses) {
      if (!shape) continue;
      const { long, short, angle } = semiAxes(shape);
      const [x, y] = this.toScreen(at);
      context.globalAlpha = faint ? 0.2 : 0.95;
      context.beginPath();
      context.ellipse(x, y, long * scale, short * scale, -angle, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  // A class is never known by its colour alone: its name stands where the median of its points is. Points may be pale,
  // words not.
  paintNames(context, { codes, classOf, classes, theme }) {
    Object.assign(context, { font: "700 18px sans-serif", textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    classes.forEach(({ name }, which) => {
      const middle = medianOf(codes, (index) => classOf(index) === which);
      if (!middle) return;
      const [x, y] = this.toScreen(middle);
      Object.assign(context, { strokeStyle: theme.paper, lineWidth: 4, fillStyle: theme.ink });
      context.strokeText(name, x, y);
      context.fillText(name, x, y);
    });
  }

  // ---- pointer and keys ----

  listen() {
    this.drag = null;
    set(this.element, {
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.follow(event),
      pointerup: (event) => this.release(event),
      pointercancel: () => this.abandon(),
      pointerleave: () => this.listener.hover(null),
    });
    set(this.svg, { keydown: (event) => this.key(event), keyup: (event) => event.key in ARROWS && this.listener.settle() });
  }

  press(event) {
    if (event.button > 0) return;
    const name = event.target.closest?.(".handle")?.dataset.name;
    this.drag = { name: name ?? "probe", from: [event.clientX, event.clientY], moved: false };
    this.listener.hover(null);
    // Otherwise the pointer is lost at the edge; an invented event has no pointer to capture.
    if (event.isTrusted) this.element.setPointerCapture(event.pointerId);
    if (name) this.handles[name].focus();
    else this.tap(event);
    event.preventDefault();
  }

  /** Choose the data point under the pointer, or put the probe there. */
  tap(event) {
    const { index, distance } = this.listener.nearest(this.toPlane(event));
    const reach = (NEAR[event.pointerType] ?? NEAR.mouse) * ((2 * this.extent.reach) / this.side);
    if (distance < reach) this.listener.pick(index);
    else this.listener.move("probe", this.toPlane(event));
    this.handles.probe.focus({ preventScroll: true });
  }

  follow(event) {
    if (this.drag) {
      const [x, y] = this.drag.from;
      // A hand that clicks trembles.
      this.drag.moved ||= Math.hypot(event.clientX - x, event.clientY - y) > 3;
      if (this.drag.moved) this.listener.move(this.drag.name, this.toPlane(event));
    } else if (event.pointerType !== "touch") {
      this.listener.hover(event.target.closest?.(".handle") ? null : this.toPlane(event));
    }
  }

  release() {
    if (!this.drag) return;
    this.drag = null;
    this.listener.settle();
  }

  abandon() {
    if (!this.drag) return;
    this.drag = null;
    this.listener.undo();
  }

  key(event) {
    const name = event.target.closest(".handle")?.dataset.name;
    if (!name) return;
    const way = ARROWS[event.key];
    if (way) {
      const step = (event.shiftKey ? 0.1 : 0.02) * this.extent.reach;
      const from = this.listener.positions()[name];
      this.listener.move(name, this.clamp(from.map((value, axis) => value + step * way[axis])));
      event.preventDefault();
    } else if (name === "probe" && (event.key === "Enter" || event.key === " ")) {
      const { index } = this.listener.nearest(this.listener.positions().probe);
      if (index >= 0) this.listener.pick(index);
      this.listener.settle();
      event.preventDefault();
    }
  }

  close() {
    this.sheet.close();
  }
}

/** The middle of some of the points: half of them are on either side, along both axes. */
function medianOf(codes, belongs) {
  const own = Array.from({ length: codes.length / 2 }, (_, index) => index).filter(belongs);
  if (!own.length) return null;
  return [0, 1].map((axis) => {
    const sorted = own.map((index) => codes[2 * index + axis]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  });
}
