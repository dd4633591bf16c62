// The two-layer linear-Gaussian hierarchy with the best encoders for two weights, in closed form. Its derivation stands
// in `latentbook.information.exact`.

/**
 * Rates and distortion, in nats per example.
 * @param {number} below  β₁, on the layer next to the data, above 0.
 * @param {number} above  β₂, on the top layer, above 0.
 * @param {number} variance  Of the data.
 * @returns {{R2: number, R1: number, D: number}}
 */
export function linearGaussian(below, above, variance) {
  const kappa = below / (1 + below) / above;
  const slope = kappa / (1 + kappa);
  const noise = 1 / (1 + kappa);
  // Of x around z₂, as the encoder of z₂ leaves it.
  const spread = (1 - slope) ** 2 * variance + noise;
  return {
    R2: (noise + slope ** 2 * variance - 1 + Math.log1p(kappa)) / 2,
    R1: (Math.log1p(1 / below) - 1 / (1 + below) + spread / (1 + below) ** 2) / 2,
    D: (Math.log(2 * Math.PI) + (below / (1 + below)) ** 2 * spread + below / (1 + below)) / 2,
  };
}

/** What rates and distortion add up to at least: the entropy of the data. @param {number} variance */
export const dataEntropy = (variance) => Math.log(2 * Math.PI * Math.E * variance) / 2;

/** As many weights from the first to the last, at equal ratios. @returns {number[]} */
export function weightsBetween([first, last], count) {
  return Array.from({ length: count }, (_, i) => first * (last / first) ** (i / (count - 1)));
}
