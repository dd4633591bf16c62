// The pull-back metric G = JᵀJ on a latent plane, its ellipses, and how one turns into another.

/** @typedef {[number, number, number]} Symmetric  [a, b, c] is the matrix ((a, b), (b, c)). */
/** @typedef {[number, number]} Point */

export const dot = (a, b) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** A decoder with the room that its metric needs. */
export class Ruler {
  /** @param {import("./mlp.js").Perceptron} decoder */
  constructor(decoder) {
    this.decoder = decoder;
    [this.value, this.along1, this.along2] = [0, 1, 2].map(() => new Float64Array(decoder.outputs));
  }

  /**
   * Return the metric at a point; its decoded value stays in `value`.
   * @param {Point} point
   * @returns {Symmetric}
   */
  at([z1, z2]) {
    const { value, along1, along2 } = this;
    this.decoder.differentiate(z1, z2, value, along1, along2);
    return [dot(along1, along1), dot(along1, along2), dot(along2, along2)];
  }
}

export const determinant = ([a, b, c]) => a * c - b * b;

/** √det G: by how much the decoder enlarges areas. */
export const magnification = (G) => Math.sqrt(Math.max(determinant(G), 0));

/** Eigenvalues of a symmetric matrix, the larger first. @param {Symmetric} G @returns {[number, number]} */
export function eigenvalues([a, b, c]) {
  const middle = (a + c) / 2;
  const half = Math.hypot((a - c) / 2, b);
  const larger = middle + half;
  // The difference of two nearly equal numbers would lose the smaller one; the determinant keeps it.
  return [larger, larger > 0 ? determinant([a, b, c]) / larger : middle - half];
}

// Below this ratio of eigenvalues a metric counts as flat: double precision says no more about its short direction.
const FLAT = 1e-12;

/** Condition number of a metric; infinite where it is flat. @param {Symmetric} G */
export function conditionNumber(G) {
  const [larger, smaller] = eigenvalues(G);
  return smaller > FLAT * larger ? larger / smaller : Infinity;
}

/**
 * Return ρ G^(-1/2), the matrix that turns the unit circle into the ellipse δᵀGδ = ρ²; null where the metric is flat.
 * Such matrices can be averaged, so that one ellipse turns into another through ellipses.
 * @param {Symmetric} G
 * @param {number} radius  ρ, in data units.
 * @returns {Symmetric | null}
 */
export function ellipseOf(G, radius) {
  if (conditionNumber(G) === Infinity) return null;
  // By Cayley and Hamilton, √G = (G + s I) / t with s = √det G and t = √(Tr G + 2 s); its determinant is s.
  const s = Math.sqrt(determinant(G));
  const t = Math.sqrt(G[0] + G[2] + 2 * s);
  const scale = radius / (s * t);
  return [scale * (G[2] + s), -scale * G[1], scale * (G[0] + s)];
}

/** Semi-axes of an ellipse, the long one first, and the long one's angle. @param {Symmetric} shape */
export function semiAxes(shape) {
  const [long, short] = eigenvalues(shape);
  return { long, short, angle: Math.atan2(2 * shape[1], shape[0] - shape[2]) / 2 };
}

/** Between two numbers, or lists of numbers. */
export const between = (from, to, share) =>
  typeof from === "number" ? from + share * (to - from) : from.map((value, i) => value + share * (to[i] - value));

/** Between two ellipses; where one is flat, the other. */
export const betweenEllipses = (from, to, share) => (from && to ? between(from, to, share) : share < 0.5 ? from : to);

/**
 * Return the points in the middle of the cells that a square is cut into, row by row from the top.
 * @param {{centre: Point, reach: number}} extent
 * @param {number} count  Cells along a side.
 * @returns {Point[]}
 */
export function cellCentres({ centre, reach }, count) {
  const steps = Array.from({ length: count }, (_, i) => (2 * (i + 0.5)) / count - 1);
  return steps.flatMap((down) => steps.map((right) => [centre[0] + right * reach, centre[1] - down * reach]));
}

/** The square root of a covariance: the ellipse of one standard deviation. @param {Symmetric} covariance */
export function deviationEllipse([a, b, c]) {
  const s = Math.sqrt(Math.max(determinant([a, b, c]), 0));
  const t = Math.sqrt(a + c + 2 * s);
  return t > 0 ? [(a + s) / t, b / t, (c + s) / t] : [0, 0, 0];
}
