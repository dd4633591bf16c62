// Two ways from one end to the other: the straight line and the geodesic, as curves, as strips of images, as lengths.

// Images along a path, corners of a drawn one.
const ALONG = 9;
const CORNERS = 65;
// Milliseconds of a frame that may go into relaxing: the hand that drags wants frames, the one that waits wants the end.
const BUDGET = { dragging: 8, waiting: 26 };
// Chords of the lengths that are shown: while something moves, and at rest. Multiples of the images' number of steps.
const QUICK = 32;
const FINE = 128;

export class Paths {
  /** @param {Member[]} members @param {Painter} painter */
  constructor(members, painter) {
    this.decoders = members.map(({ decoder }) => decoder);
    this.geodesics = this.decoders.map(() => ({}));
    this.strips = { line: new Strip(painter, ALONG, "decoded along the straight line"), curve: new Strip(painter, ALONG, "decoded along the geodesic") };
    this.words = { line: make("span", {}), curve: make("span", {}) };
    const way = (name) => make("div", { class: `way ${name}` }, this.words[name], this.strips[name].element);
    this.element = make("div", { class: "ways" }, way("line"), way("curve"));
    // Chords of what is shown; none, once it is out of date.
    this.shown = { line: 0, curve: 0 };
  }

  /** One of the curves of a decoder, made when first asked for. @param {"curve" | "rival"} role */
  geodesicOf(index, role) {
    return (this.geodesics[index][role] ??= new Geodesic(this.decoders[index]));
  }

  /** Begin anew in one of the decoders. */
  start(index, a, b) {
    Object.assign(this, { index, ends: [a, b], carried: false, rival: null });
    this.geodesicOf(index, "curve").start(a, b);
    // Where decoding costs little, the next arc is tried too.
    this.untried = this.decoders[index].size < QUICKLY ? 1 : null;
    this.forget("line", "curve");
  }

  /** Move the ends; the curve keeps its bend. */
  carry(a, b) {
    Object.assign(this, { ends: [a, b], carried: true, rival: null, untried: null });
    this.geodesic.carry(a, b);
    this.forget("line", "curve");
  }

  forget(...ways) {
    for (const way of ways) this.shown[way] = 0;
    this.corners = null;
  }

  get geodesic() {
    return this.geodesics[this.index].curve;
  }

  /** Once the reader has let go: a curve that was carried may hang in a detour; one that starts anew may be shorter. */
  check() {
    if (this.carried) this.untried = 0;
    this.carried = false;
  }

  /**
   * Relax for a part of a frame; return whether there is more to do.
   * @param {number} began  When the frame did.
   * @param {boolean} moving  Whether frames matter now.
   */
  relax(began, moving) {
    const until = began + (moving || this.carried ? BUDGET.dragging : BUDGET.waiting);
    while (this.isMoving && performance.now() < until) this.step();
    return this.isMoving;
  }

  get isMoving() {
    return !this.geodesic.done || this.untried !== null || this.rival !== null;
  }

  step() {
    if (!this.geodesic.done) {
      this.geodesic.step();
      this.forget("curve");
    } else if (this.untried !== null) this.challenge();
    else if (!this.rival.done) this.rival.step();
    else this.decide();
  }

  challenge() {
    this.rival = this.geodesicOf(this.index, "rival").start(...this.ends, this.untried);
    this.untried = null;
  }

  decide() {
    const both = this.geodesics[this.index];
    // Below a thousandth they are the same curve, and it need not move.
    if (both.rival.length < 0.999 * both.curve.length) [both.curve, both.rival] = [both.rival, both.curve];
    this.rival = null;
    this.forget("curve");
  }

  get curve() {
    return (this.corners ??= this.geodesic.curve(CORNERS));
  }

  /** Show strips and lengths that have changed; those that were decoded in passing are decoded again at rest. */
  show() {
    const chords = this.isMoving ? QUICK : FINE;
    if (this.shown.line < chords) this.showLine(chords);
    if (this.shown.curve < chords) this.showCurve(chords);
  }

  // The line changes with its ends alone.
  showLine(chords) {
    const points = equallySpaced(chords + 1).map((t) => onLine(...this.ends, t));
    const values = decodedAt(this.decoders[this.index], points);
    this.straight = chordLength(values);
    this.strips.line.show(someOf(values));
    this.words.line.textContent = `straight from A to B ${inFigures(this.straight)}`;
    Object.assign(this.shown, { line: chords, curve: 0 });
  }

  showCurve(chords) {
    // While it moves, its own quadrature does.
    const values = this.isMoving ? null : this.geodesic.values(chords + 1);
    const length = values ? chordLength(values) : this.geodesic.length;
    this.strips.curve.show(values ? someOf(values) : this.geodesic.values(ALONG));
    this.words.curve.textContent = `geodesic ${inFigures(length)}${shorter(length, this.straight)}`;
    this.shown.curve = chords;
  }

  get spoken() {
    return `${this.words.line.textContent}, ${this.words.curve.textContent}`;
  }

  redraw() {
    Object.values(this.strips).forEach((strip) => strip.redraw());
  }

  close() {
    Object.values(this.strips).forEach((strip) => strip.close());
  }
}

/** As many as a strip shows, at equal steps. */
const someOf = (values) => values.filter((_, i) => i % ((values.length - 1) / (ALONG - 1)) === 0);

/** By how much a length is shorter than another, if that can be seen in the figures that are shown: they round, too. */
export function shorter(length, straight) {
  if (inFigures(length) === inFigures(straight) || !(length < straight)) return "";
  const percent = 100 * (1 - length / straight);
  return ` (${percent < 1 ? "less than 1" : Math.round(percent)} % shorter)`;
}
