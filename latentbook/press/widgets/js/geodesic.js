// The shortest curve in data space between two points of a latent plane.
//
// Its shape is c(t) = (1 - t) a + t b plus a cubic spline that vanishes at the ends: smooth, whatever the numbers are.
// Of all ways to run through one shape, constant speed in data space has the least energy, the square of the length; so
// a minimiser of the energy has constant speed. A clock of its own keeps that speed here: nodes stand at equal lengths,
// not at equal t, and the few controls of the spline have the shape alone to find. What is decoded at `stops` is
// therefore a sequence of equal steps in length.

const NODES = 33;
const KNOTS = 9;
// This share of the energy that the bend would have on a flat plane is added: it keeps the spline from bunching up
// along its own shape, which the length does not forbid. What it costs in length is of the second order.
const EVEN = 0.01;
// Damping is a share of the energy that a step would have on a flat plane. Least (and first), and its changes.
const DAMPING = { least: 0.01, afterSuccess: 0.5, afterFailure: 20 };
// Less than this share of the energy (half of it, of the length) is not worth another decoding of all nodes.
const WORTHWHILE = 5e-4;
// While an end is dragged, the step on trial was computed for the ends before; energy may grow by this factor.
const DRAGGED = 1.5;
// Nodes stand by length, but for this share of their distances, in t or in time: they never fall together.
const APART = 0.02;
// Metrics are inverted with this share of their mean added: a decoder may ignore a direction.
const SINGULAR = 1e-6;

/** The arc length of a straight line, by the quadrature of `Geodesic`. @param {Point} a @param {Point} b */
export function straightLength(decoder, a, b, nodes = NODES) {
  const last = (nodes | 1) - 1;
  const velocity = [b[0] - a[0], b[1] - a[1]];
  let [before, after] = [new Sample(decoder), new Sample(decoder)];
  before.take(a, velocity);
  let length = 0;
  for (let i = 1; i <= last; i++) {
    after.take(onLine(a, b, i / last), velocity);
    length += pieceLength(before, after, i / last - (i - 1) / last);
    [before, after] = [after, before];
  }
  return length;
}

/** A curve that the caller relaxes step by step; nothing is decoded before the first step, or question. */
export class Geodesic {
  /** @param {Perceptron} decoder  `knots`: controls of the spline; `nodes`: points decoded in a step, made odd. */
  constructor(decoder, { knots = KNOTS, nodes = NODES } = {}) {
    this.decoder = decoder;
    this.knots = knots;
    this.uniform = equallySpaced(nodes | 1);
    this.drawn = new Map();
    this.images = [];
    this.flat = flatEnergy(this.uniform.map((t) => splineAt(knots, t)));
    // What is decoded on trial goes to one list of samples, and what has been kept stays in the other.
    [this.samples, this.spare] = [0, 1].map(() => this.uniform.map(() => new Sample(decoder)));
    this.straight([0, 0], [0, 0]);
  }

  /** Start from the straight line. @param {Point} a @param {Point} b */
  straight(a, b) {
    this.controls = new Float64Array(2 * this.knots);
    this.#restart();
    this.scale = undefined;
    this.damping = DAMPING.least;
    return this.#move(a, b);
  }
  /** Move the ends and keep the bend between them. @param {Point} a @param {Point} b */
  carry(a, b) {
    // A drag carries in every frame: the step that it finds on trial must count, or the curve would never relax.
    if (this.fresh) this.allowed = DRAGGED * this.least;
    return this.#move(a, b);
  }
  // What is on trial now is kept whatever its energy: there is no other.
  #restart() {
    this.trial = { controls: this.controls, times: this.uniform };
    this.allowed = Infinity;
    return true;
  }
  #move(a, b) {
    this.ends = [[...a], [...b]];
    this.fresh = this.done = false;
    return this;
  }

  /** Decode the curve on trial, keep it or not, and choose the next; true while it should go on. */
  step() {
    if (this.done) return false;
    const pieces = this.#decode();
    const length = sum(pieces);
    const energy = length ** 2 + this.#bunching(this.trial.controls);
    let gain = Infinity;
    if (energy < this.allowed || this.allowed === Infinity) {
      // A heavily damped step gains little wherever it is.
      if (this.fresh && this.damping <= DAMPING.least) gain = this.allowed - energy;
      this.#keep(pieces, length, energy);
    } else {
      // After the ends have moved, what was kept has not been decoded between them: that comes next.
      if (!this.fresh) return this.#restart();
      this.damping *= DAMPING.afterFailure;
    }
    this.#choose(gain);
    return !this.done;
  }
  #keep(pieces, length, energy) {
    [this.samples, this.spare] = [this.spare, this.samples];
    Object.assign(this, this.trial, { pieces, current: length, least: energy, allowed: energy, fresh: true });
    this.damping = Math.max(this.damping * DAMPING.afterSuccess, DAMPING.least);
    this.model = linearise(this.samples, this.bases, this.#shares(), this.knots);
    // One scale for all that is compared: that of the curve at the start.
    this.scale ??= this.model.scale;
  }
  // The next curve on trial: a damped Gauss-Newton step from the one that is kept, if it promises enough.
  #choose(gain) {
    const weight = this.damping * this.model.scale;
    const even = EVEN * this.scale;
    const gradient = multiplied(this.flat, this.controls).map((entry, i) => this.model.gradient[i] + even * entry);
    const step = solve(this.model.matrix.map((entry, i) => entry + (even + weight) * this.flat[i]), gradient);
    // By the quadratic model: -2 g·δ - δ·Hδ at δ = -step, with (H + damping) step = g.
    const promise = step ? dot(gradient, step) + weight * dot(step, multiplied(this.flat, step)) : 0;
    this.done = !(Math.min(gain, promise) > WORTHWHILE * this.least);
    if (!step) return;
    const clock = this.#clock(this.uniform.length);
    this.trial = {
      controls: this.controls.map((control, i) => control - step[i]),
      times: clock.map((t, i) => t + APART * (this.uniform[i] - t)),
    };
  }
  #bunching(controls) {
    return EVEN * (this.scale ?? 0) * dot(controls, multiplied(this.flat, controls));
  }
  // Decode the curve on trial into the spare samples; return the lengths of its pieces from node to node.
  #decode() {
    const { controls, times: nodes } = this.trial;
    this.trial.bases = nodes.map((t) => splineAt(this.knots, t));
    const take = (basis, i) => this.spare[i].take(this.#point(basis, controls), this.#velocity(basis, controls));
    this.trial.bases.forEach(take);
    return nodes.slice(1).map((t, i) => pieceLength(this.spare[i], this.spare[i + 1], t - nodes[i]));
  }
  #point({ t, values }, controls) {
    return bent(onLine(...this.ends, t), values, controls);
  }
  #velocity({ slopes }, controls) {
    const [a, b] = this.ends;
    return bent([b[0] - a[0], b[1] - a[1]], slopes, controls);
  }
  // Each piece's part of the length: the time that it takes at constant speed.
  #shares() {
    const even = 1 / this.pieces.length;
    return this.pieces.map((piece) => (this.current > 0 ? Math.max(piece / this.current, APART * even) : even));
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
    if (!this.drawn.has(count)) this.drawn.set(count, equallySpaced(count).map((t) => splineAt(this.knots, t)));
    return this.drawn.get(count).map((basis) => this.#point(basis, this.controls));
  }
  /** Points that cut the curve into pieces of one length in data space, ends included. @returns {Point[]} */
  stops(count) {
    this.#decoded();
    return this.#clock(count).map((t) => this.#point(splineAt(this.knots, t), this.controls));
  }
  /** What is decoded at the stops. The next call writes to the same arrays. @returns {Float64Array[]} */
  values(count) {
    while (this.images.length < count) this.images.push(new Float64Array(this.decoder.outputs));
    this.stops(count).forEach((point, i) => this.decoder.forward(point, this.images[i]));
    return this.images.slice(0, count);
  }
}

// ---- samples and lengths ----

/** A decoded point: value, the two columns of the Jacobian, and the curve's velocity in data space. */
class Sample {
  constructor(decoder) {
    this.decoder = decoder;
    [this.value, this.along1, this.along2, this.velocity] = [0, 1, 2, 3].map(() => new Float64Array(decoder.outputs));
  }

  /** @param {Point} point @param {Point} velocity  Both in the latent plane. */
  take([z1, z2], [v1, v2]) {
    this.decoder.differentiate(z1, z2, this.value, this.along1, this.along2);
    for (let k = 0; k < this.velocity.length; k++) this.velocity[k] = v1 * this.along1[k] + v2 * this.along2[k];
    this.speed = Math.sqrt(dot(this.velocity, this.velocity));
  }
}

// Simpson's rule for the speed; in the middle stands that of the cubic through both values with both velocities. It is
// of the fourth order like Simpson's rule on the nodes alone, with a sixteenth of the error and nothing more to decode.
function pieceLength(before, after, duration) {
  let square = 0;
  for (let k = 0; k < before.value.length; k++) {
    const chord = (after.value[k] - before.value[k]) / duration;
    square += (1.5 * chord - 0.25 * (before.velocity[k] + after.velocity[k])) ** 2;
  }
  return (duration / 6) * (before.speed + 4 * Math.sqrt(square) + after.speed);
}

// ---- the quadratic model of the energy ----

// Gradient (half of it), matrix and scale of the model E + 2 g·δ + δ·Hδ of the energy in the controls; `bases` are the
// splines at the samples, `shares` the times from each sample to the next.
function linearise(samples, bases, shares, knots) {
  const metrics = samples.map((sample) => products(sample, sample));
  const scale = sum(metrics.map(([a, , , d]) => (a + d) / 2)) / metrics.length;
  const gradient = new Float64Array(2 * knots);
  const matrix = new Float64Array(4 * knots * knots);
  const pulls = [0, 1, 2].map(() => new Float64Array(samples[0].value.length));
  for (let i = 0; i + 2 < samples.length; i += 2) {
    pullThree(samples.slice(i, i + 3), shares[i], shares[i + 1], pulls);
    pulls.forEach((pull, j) => addGradient(gradient, samples[i + j], pull, bases[i + j].values));
  }
  for (let i = 0; i + 1 < samples.length; i++) {
    const between = products(samples[i], samples[i + 1]);
    const [here, there, middle] = seenMidway(metrics[i], between, metrics[i + 1], SINGULAR * scale);
    addSquare(matrix, differences(here, bases[i].values, there, bases[i + 1].values), middle, shares[i]);
  }
  return { gradient, matrix, scale };
}

// Through three neighbours, a and b apart in time, goes a parabola. With the differences d and e of its values its
// energy is |d + e|² / (a + b) + |e/b - d/a|² (a + b) / 3; these are half the derivatives by the three values.
function pullThree([first, second, third], a, b, [left, middle, right]) {
  for (let k = 0; k < left.length; k++) {
    const d = second.value[k] - first.value[k];
    const e = third.value[k] - second.value[k];
    const mean = (d + e) / (a + b);
    const bend = ((e / b - d / a) * (a + b)) / 3;
    left[k] = bend / a - mean;
    right[k] = bend / b + mean;
    middle[k] = -left[k] - right[k];
  }
}
function addGradient(gradient, { along1, along2 }, pull, values) {
  const slopes = [dot(along1, pull), dot(along2, pull)];
  values.forEach((value, k) => [0, 1].forEach((axis) => (gradient[2 * k + axis] += value * slopes[axis])));
}

// The second derivative of the energy is that of covariant differences, less a term in the Gaussian curvature, which
// is left out: the rest is never negative. A covariant difference is one of tangents, seen in the plane that touches
// midway. Plain Gauss-Newton keeps what stands normal to the surface too, and takes three times the steps.
function seenMidway([a, b, , d], [p, q, r, s], [e, f, , h], floor) {
  const here = [(a + p) / 2, (b + r) / 2, (b + q) / 2, (d + s) / 2];
  const there = [(e + p) / 2, (f + q) / 2, (f + r) / 2, (h + s) / 2];
  const middle = [0, 1, 2, 3].map((i) => (here[i] + there[i]) / 2);
  return [here, there, [middle[0] + floor, (middle[1] + middle[2]) / 2, middle[3] + floor]];
}
// The two components of a difference, as rows by the controls.
function differences(here, values, there, next) {
  const part = (values, seen, axis, j) => values[j >> 1] * seen[2 * axis + (j & 1)];
  const entry = (axis) => (_, j) => part(next, there, axis, j) - part(values, here, axis, j);
  return [0, 1].map((axis) => Float64Array.from({ length: 2 * values.length }, entry(axis)));
}
function addSquare(matrix, [one, two], metric, share) {
  const area = determinant(metric) * share;
  if (!(area > 0)) return;
  for (let i = 0; i < one.length; i++) {
    const x = (metric[2] * one[i] - metric[1] * two[i]) / area;
    const y = (metric[0] * two[i] - metric[1] * one[i]) / area;
    for (let j = 0; j < one.length; j++) matrix[i * one.length + j] += x * one[j] + y * two[j];
  }
}
// Inner products of the columns of two Jacobians, row by row.
const products = (left, right) =>
  [left.along1, left.along2].flatMap((column) => [dot(column, right.along1), dot(column, right.along2)]);
// The energy of a spline on a flat plane, as a matrix of its controls.
function flatEnergy(bases) {
  const size = 2 * bases[0].slopes.length;
  const entry = (i, j) => sum(bases.map(({ slopes }) => slopes[i >> 1] * slopes[j >> 1])) / bases.length;
  const row = (i) => Array.from({ length: size }, (_, j) => (i % 2 === j % 2 ? entry(i, j) : 0));
  return Float64Array.from(Array.from({ length: size }, (_, i) => row(i)).flat());
}

// ---- splines and small matrices ----

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const equallySpaced = (count) => Array.from({ length: count }, (_, i) => i / (count - 1));
const bent = (point, values, controls) =>
  point.map((start, axis) => values.reduce((total, value, k) => total + value * controls[2 * k + axis], start));
const onLine = (a, b, t) => [0, 1].map((axis) => (1 - t) * a[axis] + t * b[axis]);
// Values and slopes at t of the cubic B-splines that vanish at 0 and 1; the recursion of Cox and de Boor.
function splineAt(count, t) {
  const knot = (i) => Math.min(Math.max((i - 3) / (count - 1), 0), 1);
  const share = (part, whole) => (whole > 0 ? part / whole : 0);
  const holds = (i) => knot(i) < knot(i + 1) && knot(i) <= t && (t < knot(i + 1) || knot(i + 1) === 1);
  let values = Array.from({ length: count + 5 }, (_, i) => (holds(i) ? 1 : 0));
  let slopes;
  for (let degree = 1; degree <= 3; degree++) {
    const lower = values;
    const width = (i) => knot(i + degree) - knot(i);
    const row = (entry) => Array.from({ length: count + 5 - degree }, (_, i) => entry(i));
    values = row((i) => {
      const rising = share((t - knot(i)) * lower[i], width(i));
      return rising + share((knot(i + degree + 1) - t) * lower[i + 1], width(i + 1));
    });
    slopes = row((i) => degree * (share(lower[i], width(i)) - share(lower[i + 1], width(i + 1))));
  }
  return { t, values: values.slice(1, -1), slopes: slopes.slice(1, -1) };
}
const multiplied = (matrix, vector) =>
  vector.map((_, i) => dot(vector, matrix.subarray(i * vector.length, (i + 1) * vector.length)));
// Solve by Cholesky's factors; null where the matrix is not positive definite.
function solve(matrix, right) {
  const size = right.length;
  const root = Float64Array.from(matrix);
  const solution = Float64Array.from(right);
  const at = (i, j) => i * size + j;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      for (let k = 0; k < j; k++) root[at(i, j)] -= root[at(i, k)] * root[at(j, k)];
      if (j < i) root[at(i, j)] /= root[at(j, j)];
      else if (!(root[at(i, i)] > 0)) return null;
      else root[at(i, i)] = Math.sqrt(root[at(i, i)]);
    }
    for (let k = 0; k < i; k++) solution[i] -= root[at(i, k)] * solution[k];
    solution[i] /= root[at(i, i)];
  }
  for (let i = size - 1; i >= 0; i--) {
    solution[i] /= root[at(i, i)];
    for (let k = 0; k < i; k++) solution[k] -= root[at(i, k)] * solution[i];
  }
  return solution;
}
