// A dial: a circle to turn, and around it what the decoder makes of places on the way round.

// Images around the circle.
const AROUND = 12;
// Sizes, as shares of the dial's side: of the circle, of the circle of the images' middles, of an image.
const [CIRCLE, RIM, IMAGE] = [0.27, 0.42, 0.15];
// Degrees that a key turns: an arrow, with the shift key, a page.
const [STEP, FARTHER, PAGE] = [5, 15, 30];
const REACH = 15;
const TURNS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

/**
 * @typedef {object} Turned  What a dial tells.
 * @property {() => number} now  The angle, in radians.
 * @property {(angle: number) => void} turn
 * @property {() => void} settle  The reader has let go.
 * @property {() => void} undo  What the last touch began was a scroll.
 */

export class Dial extends Sheet {
  /** @param {string} name @param {string} letter @param {Painter} painter @param {Turned} hands @param {() => void} redraw */
  constructor(name, letter, painter, hands, redraw) {
    super({ class: "around", "aria-hidden": "true" }, redraw);
    Object.assign(this, { name, letter, painter, hands });
    this.circle = draw("circle", { class: "circle" });
    this.arm = draw("line", { class: "arm" });
    this.words = draw("text", { class: "angle" });
    this.ring = draw(
      "g",
      {
        ...{ class: "handle probe", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 359 },
        "aria-label": `${name}, arrow keys turn it`,
      },
      ...[draw("circle", { class: "reach", r: REACH }), draw("circle", { class: "dot", r: 8 })],
    );
    const over = draw("svg", { class: "over", role: "group", "aria-label": name }, this.circle, this.arm, this.words, this.ring);
    this.place = make("div", { class: "dial" }, this.element, over);
    this.figure = framed(this.place, make("span", {}, name));
    this.drag = new Drag(this.place, this.dragged());
    set(this.place, { keydown: (event) => this.key(event), keyup: () => this.settleKeys(), focusout: () => this.settleKeys() });
  }

  /** Angles of the images around the circle. */
  static get stops() {
    return Array.from({ length: AROUND }, (_, i) => (i * ROUND) / AROUND);
  }

  /** @param {number} angle @param {Float64Array[]} images  At the stops. */
  show(angle, images) {
    const middle = this.width / 2;
    const [right, up] = onDial(angle);
    const [x, y] = [middle + CIRCLE * this.width * right, middle - CIRCLE * this.width * up];
    const degrees = inWholeDegrees(angle);
    set(this.circle, { cx: middle, cy: middle, r: CIRCLE * this.width });
    set(this.arm, { x1: middle, y1: middle, x2: x, y2: y });
    // On the side where the arm is not.
    set(this.words, { x: middle - 0.1 * this.width * right, y: middle + 0.1 * this.width * up });
    this.words.textContent = `${this.letter} = ${degrees}°`;
    set(this.ring, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`, "aria-valuenow": degrees, "aria-valuetext": `${degrees}°` });
    this.paint(images);
  }

  paint(images) {
    const context = this.clear();
    const side = IMAGE * this.width;
    const [width, height] = this.painter.aspect > 1 ? [side, side / this.painter.aspect] : [side * this.painter.aspect, side];
    images.forEach((values, i) => {
      const [right, up] = onDial(Dial.stops[i]);
      const [x, y] = [this.width * (0.5 + RIM * right), this.width * (0.5 - RIM * up)];
      this.painter.paint(context, values, x - width / 2, y - height / 2, width, height);
    });
  }

  // ---- pointer and keys ----

  dragged() {
    return {
      begin: (event) => this.begin(event),
      move: (event) => this.follow(event),
      end: (event, { onRing }, moved) => {
        if (!moved && !onRing) this.follow(event);
        this.hands.settle();
      },
      cancel: () => this.hands.undo(),
    };
  }

  begin({ target }) {
    this.ring.focus({ preventScroll: true });
    return { onRing: this.ring.contains(target) };
  }

  follow({ clientX, clientY }) {
    const box = this.place.getBoundingClientRect();
    this.hands.turn(angleAt([clientX - box.left - box.width / 2, box.top + box.height / 2 - clientY]));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const degrees = this.stride(event);
    if (degrees === null) return;
    event.preventDefault();
    this.keyed = true;
    this.hands.turn(onceRound(((inWholeDegrees(this.hands.now()) + degrees) * ROUND) / 360));
  }

  /** By how many degrees a key turns; null where it does not. */
  stride({ key, shiftKey }) {
    if (key in TURNS) return TURNS[key] * (shiftKey ? FARTHER : STEP);
    if (key === "Home") return -inWholeDegrees(this.hands.now());
    return { PageUp: PAGE, PageDown: -PAGE }[key] ?? null;
  }

  /** A key was let go, here or elsewhere. */
  settleKeys() {
    if (this.keyed) this.hands.settle();
    this.keyed = false;
  }
}
