// The shortest curve in data space between two points of a latent plane.
//
// Its shape is c(t) = (1 - t) a + t b plus a cubic spline that vanishes at the ends: smooth, whatever the numbers are.
// Of all ways to run through one shape, constant speed in data space has the least energy, the square of the length; so
// a minimiser of the energy has constant speed. A clock of its own keeps that speed here: nodes stand at equal lengths,
// not at equal t, and the few controls of the spline have the shape alone to find. What is decoded at `stops` is
// therefore a sequence of equal steps in length.

// Weights of a decoder below which decoding costs little.
const QUICKLY = 1e5;
// Splines at first, with the nodes that are decoded in a step; and those for curves that need more controls. The last
// are for decoders of few weights: with others they would take too long.
const SPLINES = [new Splines(9, 33), new Splines(17, 49), new Splines(33, 97)];
// These are taken if they promise more than this share of the energy.
const FINER = 3e-3;
// A failed step that promised less than this share makes way for them.
const STUCK = 6e-3;
// Heights of the arcs, in lengths of the straight line, of which the shortest is the start. From the straight line
// alone, one geodesic in ten ends in a detour.
const ARCS = [0, 0.1, -0.1, 0.2, -0.2, 0.3, -0.3, 0.45, -0.45];
// All are decoded at a few points; so many of them, the shortest, at more.
const [GLANCE, LOOKED_AT, LOOK] = [9, 3, 25];
// This share of the energy that the bend would have on a flat plane is added: it keeps the spline from bunching up
// along its own shape, which the length does not forbid. What it costs in length is of the second order.
const EVEN = 0.01;
// Damping is a share of the energy that a step would have on a flat plane. Least (and first), and its changes.
const DAMPING = { least: 0.01, afterSuccess: 0.5, afterFailure: 20 };
// How far a step goes, in parts of the one that the quadratic model asks for.
const STRETCH = { least: 0.5, most: 4 };
// Less than this share of the energy (half of it, of the length) is not worth another decoding of all nodes; after so
// many decodings, less than twice as much, and so on.
const WORTHWHILE = 5e-4;
const PERSISTENCE = 10;
// While an end is dragged, the step on trial was computed for the ends before; energy may grow by this factor.
const DRAGGED = 1.5;
// Nodes stand by length, but for this share of their distances, in t or in time: they never fall together.
const APART = 0.02;

/** A curve that the caller relaxes step by step. */
export class Geodesic {
  /** @param {Perceptron} decoder */
  constructor(decoder) {
    this.decoder = decoder;
    this.levels = decoder.size < QUICKLY ? SPLINES : SPLINES.slice(0, -1);
    this.images = [];
    // What is decoded on trial goes to one list of samples, and what has been kept stays in the other.
    [this.kept, this.spare] = [[], []];
    this.arch([0, 0], [0, 0], 0);
  }

  /** Start from the shortest of some arcs, or from one of the next. @param {Point} a @param {Point} b @param {number} rank */
  start(a, b, rank = 0) {
    // All have both ends.
    const [first, last] = decodedAt(this.decoder, [a, b]);
    const along = (height, count) => {
      const points = equallySpaced(count).slice(1, -1).map((t) => onArc(a, b, height, t));
      return chordLength([first, ...decodedAt(this.decoder, points), last]);
    };
    const sorted = (heights, count) => {
      const measured = heights.map((height) => ({ height, length: along(height, count) }));
      return measured.sort((one, other) => one.length - other.length);
    };
    const likely = sorted(ARCS, GLANCE).slice(0, LOOKED_AT).map(({ height }) => height);
    const looked = sorted([...new Set([...likely, 0])], LOOK);
    const line = looked.find(({ height }) => height === 0);
    // Where arcs are as long as the line, as in a direction that the decoder ignores, the line it is.
    const isShorter = looked[rank].length < 0.999 * line.length;
    return this.arch(a, b, rank || isShorter ? looked[rank].height : 0);
  }
  /** Start from one of them; nothing is decoded before the first step, or question. */
  arch(a, b, height) {
    const [splines] = SPLINES;
    this.scale = undefined;
    this.#use(splines, splines.fitted((t) => offLine(a, b, height, t)), splines.even);
    return this.#move(a, b);
  }
  /** Move the ends and keep the bend between them. @param {Point} a @param {Point} b */
  carry(a, b) {
    // What moves needs to be quick first, and then exact.
    if (this.splines !== SPLINES[0]) this.#use(SPLINES[0], this.#fittedTo(SPLINES[0]));
    // A drag carries in every frame: the step that it finds on trial must count, or the curve would never relax.
    else if (this.fresh) this.allowed = DRAGGED * this.least;
    return this.#move(a, b);
  }
  #move(a, b) {
    this.ends = [[...a], [...b]];
    this.fresh = this.done = false;
    this.decodings = 0;
    return this;
  }
  // Go on with other controls.
  #use(splines, controls, times) {
    Object.assign(this, { splines, controls, damping: DAMPING.least, stretch: 1 });
    this.#restart(times ?? this.#times());
  }
  // What is on trial now is kept whatever its energy: there is no other.
  #restart(times) {
    this.trial = { controls: this.controls, times };
    this.allowed = Infinity;
    return true;
  }

  /** Decode the curve on trial, keep it or not, and choose the next; true while it should go on. */
  step() {
    if (this.done) return false;
    const pieces = this.#decode();
    this.decodings++;
    const length = sum(pieces);
    const energy = length ** 2 + this.#bunching(this.trial.controls);
    let gain = Infinity;
    if (energy < this.allowed || this.allowed === Infinity) {
      if (this.fresh && this.allowed < Infinity) gain = this.#learn(this.allowed - energy);
      this.#keep(pieces, length, energy);
    } else {
      // After the ends have moved, what was kept has not been decoded between them: that comes next.
      if (!this.fresh) return this.#restart(this.splines.even);
      // A step that promised little and failed: more controls do more than shorter steps.
      if (this.promise < STUCK * this.least && this.#refine()) return true;
      if (this.stretch <= 1) this.damping *= DAMPING.afterFailure;
      this.stretch = Math.min(this.stretch, 1);
    }
    this.#choose(gain);
    return !this.done;
  }
  // The curve along the last step, as what was gained and promised tell: the next step goes as far as that one should have.
  #learn(gain) {
    const { stretch, promise } = this;
    const bend = (2 * stretch - gain / promise) / stretch ** 2;
    const best = bend > 0 ? 1 / bend : STRETCH.most;
    this.stretch = Math.min(Math.max(best, STRETCH.least), 2 * stretch, STRETCH.most);
    // A heavily damped step gains little wherever it is.
    return this.damping <= DAMPING.least ? gain : Infinity;
  }
  #keep(pieces, length, energy) {
    [this.kept, this.spare] = [this.spare, this.kept];
    Object.assign(this, this.trial, { pieces, current: length, least: energy, allowed: energy, fresh: true });
    this.damping = Math.max(this.damping * DAMPING.afterSuccess, DAMPING.least);
    this.model = linearise(this.samples, this.bases, this.#shares());
    // One scale for all that is compared: that of the curve at the start.
    this.scale ??= this.model.scale;
  }
  // The next curve on trial: a damped Gauss-Newton step from the one that is kept, if it promises enough.
  #choose(gain) {
    const { step, promise } = dampedStep(this.model, this.splines.flat, this.controls, EVEN * this.scale, this.damping);
    const worthwhile = WORTHWHILE * (1 + this.decodings / PERSISTENCE);
    if (!(Math.min(gain, promise) > worthwhile * this.least)) {
      this.done = !this.#refine();
      return;
    }
    this.promise = promise;
    this.trial = { controls: this.controls.map((control, i) => control - this.stretch * step[i]), times: this.#times() };
  }
  // Go on with more controls, if they promise enough; return whether they do.
  #refine() {
    const finer = this.levels[this.levels.indexOf(this.splines) + 1];
    if (!finer) return false;
    const controls = this.#fittedTo(finer);
    const model = linearise(this.samples, this.times.map((t) => finer.at(t)), this.#shares());
    const { promise } = dampedStep(model, finer.flat, controls, EVEN * this.scale, DAMPING.least);
    if (!(promise > FINER * this.least)) return false;
    this.#use(finer, controls);
    return true;
  }
  #fittedTo(splines) {
    return splines.fitted((t) => bent([0, 0], this.splines.at(t).values, this.controls));
  }
  #bunching(controls) {
    return EVEN * (this.scale ?? 0) * dot(controls, multiplied(this.splines.flat, controls));
  }
  // Decode the curve on trial into the spare samples; return the lengths of its pieces from node to node.
  #decode() {
    const { controls, times } = this.trial;
    while (this.spare.length < times.length) this.spare.push(new Sample(this.decoder));
    const samples = this.spare.slice(0, times.length);
    const bases = times.map((t) => this.splines.at(t));
    bases.forEach((basis, i) => samples[i].take(this.#point(basis, controls), this.#velocity(basis, controls)));
    Object.assign(this.trial, { samples, bases });
    return times.slice(1).map((t, i) => pieceLength(samples[i], samples[i + 1], t - times[i]));
  }
  #point({ t, values }, controls) {
    return bent(onLine(...this.ends, t), values, controls);
  }
  #velocity({ slopes }, controls) {
    return bent(minus(this.ends[1], this.ends[0]), slopes, controls);
  }
  // Each piece's part of the length: the time that it takes at constant speed.
  #shares() {
    const even = 1 / this.pieces.length;
    return this.pieces.map((piece) => (this.current > 0 ? Math.max(piece / this.current, APART * even) : even));
  }
  // Where the next nodes stand.
  #times() {
    const { even } = this.splines;
    return this.#clock(even.length).map((t, i) => t + APART * (even[i] - t));
  }
  // t at equal lengths. Between nodes t is a cubic of the length: its slope at a node is 1 / speed, and at most three
  // times the mean slope, so that it never runs back.
  #clock(count) {
    if (!(this.current > 0)) return equallySpaced(count);
    let [piece, before] = [0, 0];
    return equallySpaced(count).map((share) => {
      if (share === 0 || share === 1) return share;
      const goal = share * this.current;
      while (piece + 1 < this.pieces.length && before + this.pieces[piece] < goal) before += this.pieces[piece++];
      const length = this.pieces[piece];
      const start = this.times[piece];
      const rise = this.times[piece + 1] - start;
      const slope = (node) => Math.min(length / this.samples[node].speed || 0, 3 * rise);
      const x = length > 0 ? Math.min((goal - before) / length, 1) : 0;
      const bend = slope(piece) * (1 - x) - slope(piece + 1) * x;
      return start + rise * x * x * (3 - 2 * x) + bend * x * (1 - x);
    });
  }
  // Decode what the ends and the shape are now. If `step` refuses what is on trial, it keeps the next.
  #decoded() {
    while (!this.fresh) this.step();
  }
  /** Arc length in data space. */
  get length() {
    this.#decoded();
    return this.current;
  }
  /** What is minimised: the energy at constant speed, which is the square of the length, and the bunching. */
  get energy() {
    this.#decoded();
    return this.least;
  }
  /** The curve as it is drawn: at equal steps of t, which are near to equal in the plane. @returns {Point[]} */
  curve(count) {
    return this.splines.along(count).map((basis) => this.#point(basis, this.controls));
  }
  /** Points that cut the curve into pieces of one length in data space, ends included. @returns {Point[]} */
  stops(count) {
    this.#decoded();
    return this.#clock(count).map((t) => this.#point(this.splines.at(t), this.controls));
  }
  /** What is decoded at the stops. The next call writes to the same arrays. @returns {Float64Array[]} */
  values(count) {
    while (this.images.length < count) this.images.push(new Float64Array(this.decoder.outputs));
    this.stops(count).forEach((point, i) => this.decoder.forward(point, this.images[i]));
    return this.images.slice(0, count);
  }
}

const minus = (b, a) => [b[0] - a[0], b[1] - a[1]];

// By how much an arc is off the straight line: a parabola, whose top has this height in lengths of the line.
const offLine = (a, b, height, t) => minus(b, a).map((_, axis, [right, up]) => 4 * t * (1 - t) * height * [-up, right][axis]);

/** A point of an arc. @param {Point} a @param {Point} b @param {number} height @param {number} t */
export const onArc = (a, b, height, t) => onLine(a, b, t).map((place, axis) => place + offLine(a, b, height, t)[axis]);
