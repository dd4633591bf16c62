// Laws on the sphere S² in R³ that are symmetric around a mean direction: what is known of each in closed form.
// A point x has the height t = μ·x; with d = 1 − t in [0, 2] nothing is lost where the law is narrow and t is nearly 1.

// From here on exponentials are as good as series; below, series and fractions converge fast and lose nothing.
const NARROW = 1;
// Terms of the fraction and of the series, which then are right to double precision.
const TERMS = 50;
// Halvings that find a number in (0, 20) to double precision, small ones too.
const HALVINGS = 100;

/**
 * @typedef {object} Law
 * @property {(w: number, rest: number) => number} quantile  The d below which a share w lies; the rest is 1 − w.
 * @property {(d: number) => number} level  Logarithm of the density, as a multiple of the uniform law's.
 * @property {number} meanLength  Mean resultant length: |E x| = E t.
 * @property {number} shortfall  What the mean length lacks of 1.
 * @property {number} divergence  KL divergence to the uniform law, in nats.
 * @property {number} [rho]  Of the spherical Cauchy law.
 */

/** The law of a name and a concentration, from 0 on. @param {string} name @param {number} kappa @returns {Law} */
export function lawOf(name, kappa) {
  if (kappa === 0 || name === "uniform") return UNIFORM;
  return { vmf: vonMisesFisher, power: powerSpherical, cauchy: likeVonMisesFisher }[name](kappa);
}

const UNIFORM = { quantile: (w) => 2 * w, level: () => 0, meanLength: 0, shortfall: 1, divergence: 0 };

/** Von Mises-Fisher: density ∝ exp(κ t). @returns {Law} */
function vonMisesFisher(kappa) {
  const tail = Math.expm1(-2 * kappa);
  const peak = Math.log((-2 * kappa) / tail);
  // κ (coth κ − 1), which is small where κ is large.
  const beyond = (2 * kappa) / Math.expm1(2 * kappa);
  const wide = kappa < NARROW;
  const meanLength = wide ? langevin(kappa) : 1 - (1 - beyond) / kappa;
  return {
    quantile: (w) => -Math.log1p(w * tail) / kappa,
    level: (d) => peak - kappa * d,
    meanLength,
    shortfall: wide ? 1 - meanLength : (1 - beyond) / kappa,
    divergence: wide ? kappa * meanLength - logSinhc(kappa) : peak - 1 + beyond,
  };
}

/** coth κ − 1/κ, as the continued fraction κ/(3 + κ²/(5 + ...)): at small κ the difference would cancel. */
function langevin(kappa) {
  let below = 2 * TERMS + 1;
  for (let odd = 2 * TERMS - 1; odd >= 3; odd -= 2) below = odd + kappa ** 2 / below;
  return kappa / below;
}

/** log(sinh κ/κ), of which nothing is lost at small κ. */
function logSinhc(kappa) {
  let [term, sum] = [1, 0];
  for (let n = 1; n < TERMS; n++) {
    term *= kappa ** 2 / (2 * n * (2 * n + 1));
    sum += term;
  }
  return Math.log1p(sum);
}

/** Power Spherical: density ∝ (1 + t)^κ. @returns {Law} */
function powerSpherical(kappa) {
  const peak = Math.log1p(kappa);
  const share = kappa / (1 + kappa);
  return {
    quantile: (w, rest) => -2 * Math.expm1(Math.log(rest) / (kappa + 1)),
    level: (d) => peak + kappa * Math.log1p(-d / 2),
    meanLength: kappa / (kappa + 2),
    shortfall: 2 / (kappa + 2),
    // log(1 + κ) is the sum of shareⁿ/n, of which the first cancels.
    divergence: kappa < NARROW ? series(2, (n) => share ** n / n) : peak - share,
  };
}

/**
 * Spherical Cauchy: density ∝ (1 + ρ² − 2 ρ t)⁻², the image of the uniform law under a Möbius map. Its quantiles are
 * rational in w, so that means are integrals over w of what is elementary: the mean length is
 * (1 + ρ²)/(2 ρ) − (1 − ρ²)² artanh ρ/(2 ρ²), and the divergence 2 (1 + ρ²) artanh ρ/ρ − 2.
 * @param {number} s  artanh ρ, in which 1 − ρ keeps its figures.
 * @returns {Law}
 */
export function sphericalCauchy(s) {
  const rho = Math.tanh(s);
  const less = 2 / (Math.exp(2 * s) + 1);
  const more = 2 / (1 + Math.exp(-2 * s));
  const [low, high] = [less ** 2, more ** 2];
  const wide = rho < 0.5;
  const meanLength = -4 * series(0, (j) => rho ** (2 * j + 1) / ((2 * j - 1) * (2 * j + 1) * (2 * j + 3)));
  const shortfall = wide ? 1 - meanLength : (low / (2 * rho)) * ((high * s) / rho - 1);
  return {
    quantile: (w, rest) => (2 * w * low) / (low + 4 * rho * rest),
    level: (d) => 2 * Math.log((less * more) / (low + 2 * rho * d)),
    meanLength: wide ? meanLength : 1 - shortfall,
    shortfall,
    // Where ρ is small, the series of the same in ρ².
    divergence: wide ? 8 * series(1, (j) => (j * rho ** (2 * j)) / (4 * j * j - 1)) : 2 * (((1 + rho ** 2) * s) / rho - 1),
    rho,
  };
}

/** The spherical Cauchy law whose mean is as long as that of von Mises-Fisher at κ. @returns {Law} */
function likeVonMisesFisher(kappa) {
  const wanted = vonMisesFisher(kappa);
  // The smaller of a length and what it lacks of 1 has the figures.
  const isShort = wanted.meanLength < 0.5;
  let [low, high] = [0, 20];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    const law = sphericalCauchy(middle);
    const short = isShort ? law.meanLength < wanted.meanLength : law.shortfall > wanted.shortfall;
    [low, high] = short ? [middle, high] : [low, middle];
  }
  return sphericalCauchy((low + high) / 2);
}

// Smallest terms first: none of them is lost.
function series(first, term) {
  let sum = 0;
  for (let n = first + TERMS; n >= first; n--) sum += term(n);
  return sum;
}
