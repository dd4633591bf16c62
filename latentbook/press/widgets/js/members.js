// The models of a family as the page knows them: their planes turned onto each other, codes, encoder and decoder.
// A point of the plane is a model's code times its turn, so that one place on the screen means the same in all of them.

/**
 * @typedef {object} Described
 * @property {number | null} lam  What the slider shows.
 * @property {string} words  A sentence about the member.
 * @property {number[][]} turn  Orthogonal: plane = code · turn.
 * @property {import("./mlp.js").Layer[]} decoder
 * @property {import("./mlp.js").Layer[] | null} encoder
 * @property {boolean} spread  Whether the encoder also says how sure it is: log deviations behind the means.
 */

/** One model. */
export class Member {
  /**
   * @param {Described} described
   * @param {Float32Array} weights  Its numbers: decoder, then encoder.
   * @param {Float32Array} codes  Of the points shown, in the plane: x, y, x, y, ...
   */
  constructor(described, weights, codes) {
    Object.assign(this, { lam: described.lam, words: described.words, turn: described.turn, codes });
    const own = Perceptron.count(described.decoder);
    this.decoder = new Perceptron(described.decoder, turned(weights.slice(0, own), described));
    this.encoder = described.encoder && new Perceptron(described.encoder, weights.subarray(own));
    this.spread = described.spread;
    this.ruler = new Ruler(this.decoder);
  }

  /** From the plane to the model's own code. @param {import("./metric.js").Point} point */
  toCode(point) {
    return this.turn.map((row) => row[0] * point[0] + row[1] * point[1]);
  }

  /** From a code of the model to the plane. @param {import("./metric.js").Point} code */
  toPlane(code) {
    return [0, 1].map((axis) => code[0] * this.turn[0][axis] + code[1] * this.turn[1][axis]);
  }

  /** Where the plane has an example. @param {number} index */
  codeOf(index) {
    return [this.codes[2 * index], this.codes[2 * index + 1]];
  }

  /**
   * What the encoder makes of an example: a point of the plane, and how sure it is.
   * @param {ArrayLike<number>} example
   * @returns {{point: Point, deviations: [number, number] | null, covariance: Symmetric | null}}  Deviations along the latents.
   */
  encode(example) {
    const output = new Float64Array(this.encoder.outputs);
    this.encoder.forward(example, output);
    const point = this.toPlane([output[0], output[1]]);
    if (!this.spread) return { point, deviations: null, covariance: null };
    const deviations = [Math.exp(output[2]), Math.exp(output[3])];
    return { point, deviations, covariance: this.covariance(deviations) };
  }

  /** Covariance in the plane of what has independent latents of such deviations. */
  covariance(deviations) {
    const [first, second] = this.turn.map((row, latent) => row.map((share) => share * deviations[latent]));
    const entry = (i, j) => first[i] * first[j] + second[i] * second[j];
    return [entry(0, 0), entry(0, 1), entry(1, 1)];
  }
}

/** Turn the columns of a decoder's first matrix, so that it takes points of the plane. */
function turned(weights, { decoder, turn }) {
  for (let row = 0; row < decoder[0].outputs; row++) {
    const own = [weights[2 * row], weights[2 * row + 1]];
    for (const axis of [0, 1]) weights[2 * row + axis] = own[0] * turn[0][axis] + own[1] * turn[1][axis];
  }
  return weights;
}

/**
 * Read all members.
 * @param {{members: Described[], count: number}} content
 * @param {DataView} weights  Half precision, member by member.
 * @param {DataView} codes  Half precision, member by member.
 * @returns {Member[]}
 */
export function readMembers(content, weights, codes) {
  const numbers = halves(weights);
  const places = halves(codes);
  let start = 0;
  return content.members.map((described, index) => {
    const own = Perceptron.count([...described.decoder, ...(described.encoder ?? [])]);
    const points = places.subarray(2 * content.count * index, 2 * content.count * (index + 1));
    return new Member(described, numbers.subarray(start, (start += own)), points);
  });
}

/** The index of the point nearest to a place, and how far it is. */
export function nearest(codes, [x, y]) {
  let [best, least] = [-1, Infinity];
  for (let index = 0; 2 * index < codes.length; index++) {
    const square = (codes[2 * index] - x) ** 2 + (codes[2 * index + 1] - y) ** 2;
    if (square < least) [best, least] = [index, square];
  }
  return { index: best, distance: Math.sqrt(least) };
}

/** Bytes as numbers from 0 to 255. @param {DataView} bytes */
export const octets = (bytes) => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Read what the points stand for.
 * @param {{examples: string, event: {shape: number[]}}} content
 * @param {DataView} bytes
 * @returns {((index: number) => Float32Array) | null}  Null where they were not sent.
 */
export function readExamples(content, bytes) {
  if (!content.examples) return null;
  const size = content.event.shape.reduce((product, side) => product * side, 1);
  const values = content.examples === "uint8" ? Float32Array.from(octets(bytes), (byte) => byte / 255) : halves(bytes);
  return (index) => values.subarray(size * index, size * (index + 1));
}
