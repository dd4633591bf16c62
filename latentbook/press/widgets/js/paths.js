// Two ways from one end to the other: the straight line and the geodesic, as curves, as strips of images, as lengths.

// Images along a path, corners of a drawn one; milliseconds of a frame that may go into relaxing.
const ALONG = 9;
const CORNERS = 65;
const BUDGET = 8;

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
    const straight = straightLength(decoder, a, b);
    const { length } = this.geodesic;
    this.strips.line.show(decodedAlong(decoder, a, b));
    this.strips.curve.show(this.geodesic.values(ALONG));
    this.words.line.textContent = `straight line ${inFigures(straight)}`;
    this.words.curve.textContent = `geodesic ${inFigures(length)} ${shorter(length, straight)}`;
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

function shorter(length, straight) {
  const saved = Math.round(100 * (1 - length / straight));
  return saved > 0 ? `(${saved} % shorter)` : "";
}

function decodedAlong(decoder, a, b) {
  return Array.from({ length: ALONG }, (_, i) => {
    const value = new Float64Array(decoder.outputs);
    decoder.forward(between(a, b, i / (ALONG - 1)), value);
    return value;
  });
}
