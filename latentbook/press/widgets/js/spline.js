// Cubic B-splines that vanish at both ends, and the small matrices that belong to them.

/** Splines of so many controls, as they are at so many times. */
export class Splines {
  /** @param {number} count  Of controls. @param {number} nodes  Times at which a curve is looked at. */
  constructor(count, nodes) {
    this.count = count;
    this.even = equallySpaced(nodes);
    this.flat = flatEnergy(this.even.map((t) => this.at(t)));
    this.known = new Map();
  }

  /** Values and slopes at a time. */
  at(t) {
    return splineAt(this.count, t);
  }

  /** Values and slopes at as many times, from 0 to 1. */
  along(many) {
    if (!this.known.has(many)) this.known.set(many, equallySpaced(many).map((t) => this.at(t)));
    return this.known.get(many);
  }

  /** Controls of the spline nearest to a bend, by least squares. @param {(t: number) => Point} bend  Vanishes at 0 and 1. */
  fitted(bend) {
    const { count } = this;
    const square = new Float64Array(count * count);
    const right = [0, 1].map(() => new Float64Array(count));
    for (const { t, values } of this.along(4 * count + 1)) {
      const place = bend(t);
      values.forEach((value, i) => {
        values.forEach((other, j) => (square[i * count + j] += value * other));
        for (const axis of [0, 1]) right[axis][i] += value * place[axis];
      });
    }
    const solved = right.map((side) => solve(square, side));
    return Float64Array.from({ length: 2 * count }, (_, i) => solved[i % 2][i >> 1]);
  }
}

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

// The energy of a spline on a flat plane, as a matrix of its controls.
function flatEnergy(bases) {
  const size = 2 * bases[0].slopes.length;
  const entry = (i, j) => sum(bases.map(({ slopes }) => slopes[i >> 1] * slopes[j >> 1])) / bases.length;
  const row = (i) => Array.from({ length: size }, (_, j) => (i % 2 === j % 2 ? entry(i, j) : 0));
  return Float64Array.from(Array.from({ length: size }, (_, i) => row(i)).flat());
}

/** A point, or a direction, and what the controls add to it. */
export const bent = (point, values, controls) =>
  point.map((start, axis) => values.reduce((total, value, k) => total + value * controls[2 * k + axis], start));

export const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
export const equallySpaced = (count) => Array.from({ length: count }, (_, i) => i / (count - 1));
export const onLine = (a, b, t) => [0, 1].map((axis) => (1 - t) * a[axis] + t * b[axis]);

export const multiplied = (matrix, vector) =>
  vector.map((_, i) => dot(vector, matrix.subarray(i * vector.length, (i + 1) * vector.length)));

/** Solve by Cholesky's factors; null where the matrix is not positive definite. */
export function solve(matrix, right) {
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
