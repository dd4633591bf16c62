// Lengths of decoded curves, and the quadratic model of their energy in the controls of a spline.

// Metrics are inverted with this share of their mean added: a decoder may ignore a direction.
const SINGULAR = 1e-6;

/** What is decoded at points. @param {Point[]} points @returns {Float64Array[]} */
export function decodedAt(decoder, points) {
  return points.map((point) => {
    const value = new Float64Array(decoder.outputs);
    decoder.forward(point, value);
    return value;
  });
}

/** The length of what is decoded: chords from each to the next, and over every second one, extrapolated (Richardson). */
export function chordLength(values) {
  const chords = (step) => {
    let length = 0;
    for (let i = step; i < values.length; i += step) length += distance(values[i - step], values[i]);
    return length;
  };
  return (4 * chords(1) - chords(2)) / 3;
}

function distance(one, other) {
  let squares = 0;
  for (let k = 0; k < one.length; k++) squares += (one[k] - other[k]) ** 2;
  return Math.sqrt(squares);
}

/** A decoded point: value, the two columns of the Jacobian, and the curve's velocity in data space. */
export class Sample {
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

/**
 * The length between two samples, by Simpson's rule for the speed; in the middle stands that of the cubic through both
 * values with both velocities. It is of the fourth order like Simpson's rule on the nodes alone, with a sixteenth of the
 * error and nothing more to decode.
 */
export function pieceLength(before, after, duration) {
  let square = 0;
  for (let k = 0; k < before.value.length; k++) {
    const chord = (after.value[k] - before.value[k]) / duration;
    square += (1.5 * chord - 0.25 * (before.velocity[k] + after.velocity[k])) ** 2;
  }
  return (duration / 6) * (before.speed + 4 * Math.sqrt(square) + after.speed);
}

// ---- the quadratic model of the energy ----

/**
 * Gradient (half of it), matrix and scale of the model E + 2 g·δ + δ·Hδ of the energy in the controls.
 * @param {Sample[]} samples
 * @param {object[]} bases  The splines at the samples.
 * @param {number[]} shares  The times from each sample to the next.
 */
export function linearise(samples, bases, shares) {
  const knots = bases[0].values.length;
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

/**
 * The Gauss-Newton step that is taken from the controls, and what the model promises of it.
 * @param {object} model  From `linearise`.
 * @param {Float64Array} flat  The energy on a flat plane: a share of it, `even`, is added, and another one is damping.
 */
export function dampedStep({ gradient, matrix, scale }, flat, controls, even, damping) {
  const weight = damping * scale;
  const slope = multiplied(flat, controls).map((entry, i) => gradient[i] + even * entry);
  const step = solve(matrix.map((entry, i) => entry + (even + weight) * flat[i]), slope);
  // By the model: -2 g·δ - δ·Hδ at δ = -step, with (H + damping) step = g.
  const promise = step ? dot(slope, step) + weight * dot(step, multiplied(flat, step)) : 0;
  return { step, promise };
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
