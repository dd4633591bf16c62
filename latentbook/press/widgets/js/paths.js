// Two ways from one end to the other: the straight line and the geodesic, as curves, as strips of images, as lengths.

// Images along a path, corners of a drawn one; milliseconds of a frame that may go into relaxing.
const ALONG = 9;
const CORNERS = 65;
const BUDGET = 8;
// Chords of the length that is shown at rest, an even number.
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
  }

  /** One of the curves of a decoder, made when first asked for. @param {"curve" | "rival"} role */
  geodesicOf(index, role) {
    return (this.geodesics[index][role] ??= new Geodesic(this.decoders[index]));
  }

  /** Begin with the straight line in one of the decoders. */
  start(index, a, b) {
    Object.assign(this, { index, ends: [a, b], changed: true, carried: false, rival: null });
    this.geodesicOf(index, "curve").straight(a, b);
  }

  /** Move the ends; the curve keeps its bend. */
  carry(a, b) {
    Object.assign(this, { ends: [a, b], changed: true, carried: true, rival: null });
    this.geodesic.carry(a, b);
  }

  get geodesic() {
    return this.geodesics[this.index].curve;
  }

  /** Once the reader has let go: a curve that was carried may hang in a detour; one from the straight line may be shorter. */
  check() {
    if (this.carried) this.rival = this.geodesicOf(this.index, "rival").straight(...this.ends);
    this.carried = false;
  }

  /** Relax for a part of a frame; return whether there is more to do. */
  relax() {
    const until = performance.now() + BUDGET;
    while (this.isMoving && performance.now() < until) this.step();
    return this.isMoving;
  }

  get isMoving() {
    return !this.geodesic.done || this.rival !== null;
  }

  step() {
    if (!this.geodesic.done) {
      this.geodesic.step();
      this.changed = true;
    } else if (!this.rival.done) this.rival.step();
    else this.decide();
  }

  decide() {
    const both = this.geodesics[this.index];
    // Below a thousandth they are the same curve, and it need not move.
    if (both.rival.length < 0.999 * both.curve.length) [both.curve, both.rival] = [both.rival, both.curve];
    this.rival = null;
    this.changed = true;
  }

  get curve() {
    return this.geodesic.curve(CORNERS);
  }

  /** Show strips and lengths, if they are others than before. */
  show() {
    if (!this.changed) return;
    this.changed = false;
    const [a, b] = this.ends;
    const decoder = this.decoders[this.index];
    // While it moves, its own quadrature does; at rest there is time for a finer one.
    const straight = this.isMoving ? straightLength(decoder, a, b) : fineLength(decoder, (t) => between(a, b, t));
    const length = this.isMoving ? this.geodesic.length : this.fineCurve();
    this.strips.line.show(decodedAlong(decoder, a, b));
    this.strips.curve.show(this.geodesic.values(ALONG));
    this.words.line.textContent = `straight from A to B ${inFigures(straight)}`;
    this.words.curve.textContent = `geodesic ${inFigures(length)}${shorter(length, straight)}`;
  }

  fineCurve() {
    const points = this.geodesic.curve(FINE + 1);
    return fineLength(this.decoders[this.index], (t) => points[Math.round(t * FINE)]);
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

/** By how much a length is shorter than another, if that can be seen in the figures that are shown. */
export function shorter(length, straight) {
  if (inFigures(length) === inFigures(straight) || !(length < straight)) return "";
  const percent = 100 * (1 - length / straight);
  return ` (${percent < 1 ? percent.toFixed(1) : Math.round(percent)} % shorter)`;
}

/**
 * The length of a curve in data space: chords over all points and over every second one, extrapolated (Richardson).
 * @param {Perceptron} decoder
 * @param {(t: number) => Point} curve  For t from 0 to 1.
 */
export function fineLength(decoder, curve) {
  const values = Array.from({ length: FINE + 1 }, (_, i) => {
    const value = new Float64Array(decoder.outputs);
    decoder.forward(curve(i / FINE), value);
    return value;
  });
  const chords = (step) => {
    let length = 0;
    for (let i = step; i <= FINE; i += step) length += distance(values[i - step], values[i]);
    return length;
  };
  return (4 * chords(1) - chords(2)) / 3;
}

function distance(one, other) {
  let squares = 0;
  for (let k = 0; k < one.length; k++) squares += (one[k] - other[k]) ** 2;
  return Math.sqrt(squares);
}

function decodedAlong(decoder, a, b) {
  return Array.from({ length: ALONG }, (_, i) => {
    const value = new Float64Array(decoder.outputs);
    decoder.forward(between(a, b, i / (ALONG - 1)), value);
    return value;
  });
}
