// What pointer and keys do with the globe: it is turned, and μ is moved over it.

// Degrees that an arrow key turns the globe and moves μ; with the shift key three times as far.
const [TURN, MOVE, FARTHER] = [6, 3, 3];
// Half the side of what a finger hits.
const TOUCH = 15;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @typedef {object} Hands  What the globe tells.
 * @property {(view: Place) => void} turn
 * @property {(mean: Direction) => void} move
 * @property {() => void} face  μ shall be in the middle.
 * @property {() => void} settle  The reader has let go.
 * @property {() => void} undo  What the last touch began was a scroll.
 * @property {() => {view: Place, mean: Direction}} now
 */

/** What lies over the globe and is held: the globe itself, and the ring at μ. */
export class Turning {
  /** @param {Ball} ball @param {Hands} hands */
  constructor(ball, hands) {
    Object.assign(this, { ball, hands });
    this.globe = draw("circle", { ...this.slider("globe", "Globe, arrow keys turn it, Home brings μ to its middle", 180) });
    this.ring = draw(
      "g",
      { ...this.slider("handle probe", "mean direction μ, arrow keys move it, Home brings it to the middle", 180) },
      ...[draw("circle", { class: "reach", r: TOUCH }), draw("circle", { class: "halo", r: 7 }), draw("circle", { class: "dot", r: 7 })],
      draw("text", { class: "name", x: 17, y: -9 }, "μ"),
    );
    this.svg = draw("svg", { class: "over", role: "group", "aria-label": "globe" }, this.globe, this.ring);
    this.element = make("div", { class: "plane" }, ball.element, this.svg);
    this.drag = new Drag(this.element, this.dragged());
    set(this.element, { keydown: (event) => this.key(event), keyup: () => this.settleKeys(), focusout: () => this.settleKeys() });
  }

  slider(name, label, most) {
    return { class: name, tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": -most, "aria-valuemax": most };
  }

  /** @param {Place} view @param {Direction} seen  μ as who looks sees it. @param {Place} place  Where that is. */
  show(view, seen, place) {
    const { ball } = this;
    const [x, y] = ball.toScreen(seen);
    set(this.globe, { cx: ball.width / 2, cy: ball.width / 2, r: Math.max(ball.radius, 0), ...inDegrees("seen from", view) });
    set(this.ring, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`, ...inDegrees("at", place) });
    this.ring.classList.toggle("behind", seen[2] < 0);
  }

  // ---- pointer ----

  /** Where an event is, in radii of the globe from its middle. */
  where({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    const { width, radius } = this.ball;
    return [(clientX - box.left - width / 2) / radius, (width / 2 - (clientY - box.top)) / radius];
  }

  dragged() {
    return {
      begin: (event) => this.begin(event),
      move: (event, thing) => (thing.isRing ? this.carry(event) : this.turn(event, thing)),
      end: (event, thing, moved) => this.end(event, thing, moved),
      cancel: () => this.hands.undo(),
    };
  }

  begin(event) {
    const isRing = Boolean(event.target.closest?.(".handle"));
    const from = this.where(event);
    if (!isRing && Math.hypot(...from) > 1) return null;
    (isRing ? this.ring : this.globe).focus({ preventScroll: true });
    return { isRing, from, view: this.hands.now().view };
  }

  carry(event) {
    this.hands.move(this.directionAt(event));
  }

  directionAt(event) {
    return turnedBack(axesOf(this.hands.now().view), frontAt(...this.where(event)));
  }

  /** What was under the pointer in the middle stays under it. */
  turn(event, { from, view }) {
    const [x, y] = this.where(event);
    this.hands.turn(within([view[0] - (x - from[0]) / RADIAN, view[1] - (y - from[1]) / RADIAN]));
  }

  end(event, { isRing }, moved) {
    if (!moved && !isRing) this.carry(event);
    this.hands.settle();
  }

  // ---- keys ----

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onRing = this.ring.contains(event.target);
    const way = ARROWS[event.key];
    if (way) this.stride(onRing, way, event.shiftKey ? FARTHER : 1);
    else if (event.key === "Home" || event.key === "Enter") this.hands.face();
    else return;
    event.preventDefault();
  }

  stride(onRing, way, times) {
    const { view, mean } = this.hands.now();
    const step = times * (onRing ? MOVE : TURN);
    const ahead = ([longitude, latitude]) => within([longitude + step * way[0], latitude + step * way[1]]);
    this.keyed = true;
    if (onRing) this.hands.move(directionOf(ahead(placeOf(mean))));
    else this.hands.turn(ahead(view));
  }

  /** A key was let go, here or elsewhere. */
  settleKeys() {
    if (this.keyed) this.hands.settle();
    this.keyed = false;
  }
}

function inDegrees(words, [longitude, latitude]) {
  const [along, up] = [Math.round(longitude), Math.round(latitude)];
  return { "aria-valuenow": along, "aria-valuetext": `${words} longitude ${along}°, latitude ${up}°` };
}
