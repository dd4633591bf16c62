// Perceptrons in the browser: weights read from bytes, values, and derivatives along the two axes of a latent plane.
// All numbers are double precision; the weights are single precision, as they come from half.

/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {string} activation  One of the names of `ACTIVATIONS`.
 * @property {number} parameter  Slope of leaky ReLU below 0, sharpness of softplus; otherwise unused.
 */

/**
 * Read half-precision numbers.
 * @param {DataView} bytes  Little-endian, two bytes a number.
 * @returns {Float32Array}
 */
export function halves(bytes) {
  const numbers = new Float32Array(bytes.byteLength / 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = HALVES[bytes.getUint16(2 * i, true)];
  return numbers;
}

// Every half there is, by its bits: sign, five of exponent, ten of fraction.
const HALVES = Float32Array.from({ length: 1 << 16 }, (_, bits) => {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
});

const logistic = (s) => 1 / (1 + Math.exp(-s));
// Beyond this, log(1 + exp(s)) is s to double precision but for 2e-9; torch goes over to s here, and so do we.
const SOFTPLUS_IS_LINEAR = 20;

/** By name: an activation and its derivative, of a number before the activation, given the layer's parameter. */
export const ACTIVATIONS = {
  linear: { value: (s) => s, slope: () => 1 },
  tanh: { value: (s) => Math.tanh(s), slope: (s, y) => 1 - y * y },
  sigmoid: { value: logistic, slope: (s, y) => y * (1 - y) },
  relu: { value: (s) => (s > 0 ? s : 0), slope: (s) => (s > 0 ? 1 : 0) },
  leaky_relu: { value: (s, y, below) => (s > 0 ? s : below * s), slope: (s, y, below) => (s > 0 ? 1 : below) },
  softplus: {
    value: (s, y, beta) => (beta * s > SOFTPLUS_IS_LINEAR ? s : Math.log1p(Math.exp(beta * s)) / beta),
    slope: (s, y, beta) => (beta * s > SOFTPLUS_IS_LINEAR ? 1 : logistic(beta * s)),
  },
  silu: { value: (s) => s * logistic(s), slope: (s) => logistic(s) * (1 + s * (1 - logistic(s))) },
};

/** A multilayer perceptron. */
export class Perceptron {
  /**
   * @param {Layer[]} layers
   * @param {Float32Array} numbers  Layer by layer, first the matrix, a row for each output, then the bias.
   */
  constructor(layers, numbers) {
    let start = 0;
    const take = (count) => numbers.subarray(start, (start += count));
    this.layers = layers.map((layer) => ({
      ...layer,
      ...ACTIVATIONS[layer.activation],
      matrix: take(layer.inputs * layer.outputs),
      bias: take(layer.outputs),
    }));
    this.inputs = layers[0].inputs;
    this.outputs = layers.at(-1).outputs;
    this.size = Perceptron.count(layers);
    const widest = Math.max(this.inputs, ...layers.map((layer) => layer.outputs));
    // Values and two derivatives, twice: a layer reads one of each and writes the other.
    this.scratch = [0, 1].map(() => [0, 1, 2].map(() => new Float64Array(widest)));
  }

  /** How many numbers the layers hold. @param {Layer[]} layers */
  static count(layers) {
    return layers.reduce((sum, { inputs, outputs }) => sum + (inputs + 1) * outputs, 0);
  }

  /**
   * Compute the output.
   * @param {ArrayLike<number>} input
   * @param {Float64Array} output  Is written.
   */
  forward(input, output) {
    let [values] = this.scratch[0];
    values.set(input);
    this.layers.forEach((layer, index) => {
      const target = layer === this.layers.at(-1) ? output : this.scratch[(index + 1) % 2][0];
      affine(layer, values, target);
      activate(layer, target);
      values = target;
    });
  }

  /**
   * Compute the output at a point of a plane, and its derivatives along both axes: tangents go through the layers
   * beside the values, and share the reading of the weights, which is what takes the time.
   * @param {number} z1
   * @param {number} z2
   * @param {Float64Array} output  Is written.
   * @param {Float64Array} along1  Is written: the first column of the Jacobian.
   * @param {Float64Array} along2  Is written: the second.
   */
  differentiate(z1, z2, output, along1, along2) {
    let [values, first, second] = this.scratch[0];
    values.set([z1, z2]);
    first.set([1, 0]);
    second.set([0, 1]);
    this.layers.forEach((layer, index) => {
      const last = layer === this.layers.at(-1);
      const targets = last ? [output, along1, along2] : this.scratch[(index + 1) % 2];
      affineThree(layer, values, first, second, ...targets);
      activateThree(layer, ...targets);
      [values, first, second] = targets;
    });
  }
}

// Rows go together: the sums of one need not wait for those of the others. Where rows are missing, the last is taken again.
function affine({ inputs, outputs, matrix, bias }, values, target) {
  const last = outputs - 1;
  for (let row = 0; row < outputs; row += 4) {
    const [row2, row3, row4] = [Math.min(row + 1, last), Math.min(row + 2, last), Math.min(row + 3, last)];
    const [at, at2, at3, at4] = [row * inputs, row2 * inputs, row3 * inputs, row4 * inputs];
    let [sum, sum2, sum3, sum4] = [bias[row], bias[row2], bias[row3], bias[row4]];
    for (let column = 0; column < inputs; column++) {
      const value = values[column];
      sum += matrix[at + column] * value;
      sum2 += matrix[at2 + column] * value;
      sum3 += matrix[at3 + column] * value;
      sum4 += matrix[at4 + column] * value;
    }
    target[row] = sum;
    target[row2] = sum2;
    target[row3] = sum3;
    target[row4] = sum4;
  }
}

function affineThree({ inputs, outputs, matrix, bias }, values, first, second, target, target1, target2) {
  for (let row = 0; row < outputs; row += 2) {
    const next = Math.min(row + 1, outputs - 1);
    const [at, nextAt] = [row * inputs, next * inputs];
    let [sum, sum1, sum2] = [bias[row], 0, 0];
    let [nextSum, nextSum1, nextSum2] = [bias[next], 0, 0];
    for (let column = 0; column < inputs; column++) {
      const weight = matrix[at + column];
      const nextWeight = matrix[nextAt + column];
      const value = values[column];
      const slope1 = first[column];
      const slope2 = second[column];
      sum += weight * value;
      sum1 += weight * slope1;
      sum2 += weight * slope2;
      nextSum += nextWeight * value;
      nextSum1 += nextWeight * slope1;
      nextSum2 += nextWeight * slope2;
    }
    [target[row], target1[row], target2[row]] = [sum, sum1, sum2];
    [target[next], target1[next], target2[next]] = [nextSum, nextSum1, nextSum2];
  }
}

function activate({ outputs, value, parameter }, target) {
  for (let row = 0; row < outputs; row++) target[row] = value(target[row], 0, parameter);
}

function activateThree({ outputs, value, slope, parameter }, target, target1, target2) {
  for (let row = 0; row < outputs; row++) {
    const before = target[row];
    const after = value(before, 0, parameter);
    const steep = slope(before, after, parameter);
    target[row] = after;
    target1[row] *= steep;
    target2[row] *= steep;
  }
}
