// Directions in R³: places on the globe, how it is turned, and samples of a law, which move as the law does.

/** @typedef {[number, number, number]} Direction  A point of S², the unit sphere in R³: (0, 0, 1) is its north pole. */
/** @typedef {[number, number]} Place  Longitude from −180 to 180 and latitude from −90 to 90, in degrees. */

const RADIAN = Math.PI / 180;

/** @param {Place} place @returns {Direction} */
export function directionOf([longitude, latitude]) {
  const [along, up] = [longitude * RADIAN, latitude * RADIAN];
  return [Math.cos(up) * Math.cos(along), Math.cos(up) * Math.sin(along), Math.sin(up)];
}

/** @param {Direction} direction @returns {Place} */
export const placeOf = ([x, y, z]) => [Math.atan2(y, x) / RADIAN, Math.atan2(z, Math.hypot(x, y)) / RADIAN];

/** A place whose longitude has gone round is the same; past a pole nothing goes. @param {Place} place @returns {Place} */
export function within([longitude, latitude]) {
  const round = ((((longitude + 180) % 360) + 360) % 360) - 180;
  return [round, Math.min(Math.max(latitude, -90), 90)];
}

/**
 * The axes of who looks at the globe: to the right, up, towards the eye.
 * @param {Place} view  What is in the middle.
 * @returns {[Direction, Direction, Direction]}
 */
export function axesOf([longitude, latitude]) {
  const [along, up] = [longitude * RADIAN, latitude * RADIAN];
  const right = [-Math.sin(along), Math.cos(along), 0];
  const above = [-Math.sin(up) * Math.cos(along), -Math.sin(up) * Math.sin(along), Math.cos(up)];
  return [right, above, directionOf([longitude, latitude])];
}

export const dot = (one, other) => one[0] * other[0] + one[1] * other[1] + one[2] * other[2];

/** As who looks sees it: how far to the right, up, and towards the eye. @param {Direction} point @returns {Direction} */
export const seenFrom = (axes, point) => axes.map((axis) => dot(axis, point));

/** Where the eye's own coordinates are on the globe: `seenFrom` turned round. @returns {Direction} */
export const turnedBack = (axes, [x, y, z]) => [0, 1, 2].map((i) => x * axes[0][i] + y * axes[1][i] + z * axes[2][i]);

/** What a pointer meets: the front of the globe, or its rim where it is beside it. @param {number} x @param {number} y  In radii. @returns {Direction} */
export function frontAt(x, y) {
  const length = Math.hypot(x, y);
  return length < 1 ? [x, y, Math.sqrt(1 - length ** 2)] : [x / length, y / length, 0];
}

/** Two directions across a third: those across the north pole, turned the shortest way. @returns {[Direction, Direction]} */
export function across([x, y, z]) {
  // 1/(1 + z), of which nothing is lost near the south pole; there all ways are equally short.
  const share = z > 0 ? 1 / (1 + z) : (1 - z) / Math.max(x * x + y * y, 1e-300);
  return [[1 - x * x * share, -x * y * share, -x], [-x * y * share, 1 - y * y * share, -y]];
}

/** Numbers between 0 and 1, the same for the same seed: a counter, stirred (splitmix32). @param {number} seed @returns {() => number} */
export function uniforms(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    // Neither 0 nor 1: both have a finite quantile, which no law draws.
    return (((mixed ^ (mixed >>> 15)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Samples of laws around a mean: their random numbers stay while law and mean change, so that each sample moves continuously. */
export class Samples {
  /** @param {number} count */
  constructor(count) {
    this.most = count;
    for (const name of ["shares", "cosines", "sines", "depths"]) this[name] = new Float64Array(count);
    this.points = new Float64Array(3 * count);
  }

  /** Draw random numbers anew. @param {number} seed */
  seed(seed) {
    const uniform = uniforms(seed);
    for (let i = 0; i < this.most; i++) {
      this.shares[i] = uniform();
      const angle = 2 * Math.PI * uniform();
      this.cosines[i] = Math.cos(angle);
      this.sines[i] = Math.sin(angle);
    }
  }

  /**
   * Take the first of the samples to a law: by its quantiles, exactly.
   * @param {import("./laws.js").Law} law @param {Direction} mean @param {number} count
   */
  take(law, mean, count) {
    const [first, second] = across(mean);
    this.count = count;
    for (let i = 0; i < count; i++) {
      const depth = law.quantile(this.shares[i], 1 - this.shares[i]);
      const radius = Math.sqrt(depth * (2 - depth));
      const [along, beside] = [radius * this.cosines[i], radius * this.sines[i]];
      this.depths[i] = depth;
      for (let axis = 0; axis < 3; axis++)
        this.points[3 * i + axis] = (1 - depth) * mean[axis] + along * first[axis] + beside * second[axis];
    }
  }

  /** Length of the samples' mean; none of no sample. */
  get meanLength() {
    const sums = [0, 0, 0];
    for (let i = 0; i < 3 * this.count; i++) sums[i % 3] += this.points[i];
    return Math.hypot(...sums) / this.count;
  }

  /** Mean logarithm of their density as a multiple of the uniform law's: what the samples say of its KL divergence. */
  divergence(law) {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += law.level(this.depths[i]);
    return sum / this.count;
  }
}
