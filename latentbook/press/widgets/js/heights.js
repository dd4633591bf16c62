// The law of the height t = μ·x: its density as a curve, and how the samples fall as bars.

// Size of the drawing, and room around the plot in it.
const [WIDE, LEFT, RIGHT, ABOVE, BELOW] = [400, 2, 2, 20, 34];
// Bars of many samples and of few, and how many are many.
const [BARS, FEWER, MANY] = [40, 20, 1000];
const CURVE = 120;
// Room above the peak for what the samples have too much.
const HEADROOM = 1.2;
// Shares of samples beyond the left end that are worth a word.
const WORTH = 5e-4;

/** How far down from t = 1 the plot goes: to −1, until von Mises-Fisher has no part of it left there. @param {number} kappa */
export const spanOf = (kappa) => Math.min(2, 8 / kappa);

/** How many depths fall into each of so many bars over a span, and beyond. @returns {{counts: Uint32Array, beyond: number}} */
export function countsOf(depths, count, span, bars) {
  const counts = new Uint32Array(bars);
  let beyond = 0;
  for (let i = 0; i < count; i++) {
    const bar = Math.floor((depths[i] / span) * bars);
    if (bar < bars) counts[bar]++;
    else if (depths[i] > span) beyond++;
    else counts[bars - 1]++;
  }
  return { counts, beyond };
}

export class Heights {
  /** @param {number} high  Of the drawing. */
  constructor(high) {
    this.high = high;
    this.base = high - BELOW;
    const path = (name) => draw("path", { class: name });
    this.bars = path("bars");
    this.other = path("other");
    this.curve = path("curve");
    this.ticks = [0, 0.5, 1].map((share) => this.tick(share));
    this.title = draw("text", { x: LEFT, y: 12 });
    this.beyond = draw("text", { x: LEFT, y: 30 });
    const axis = draw("line", { class: "axis", x1: LEFT, x2: WIDE - RIGHT, y1: this.base, y2: this.base });
    const name = draw("text", { x: WIDE / 2, y: high - 4, "text-anchor": "middle" }, "height t = μ·x");
    const parts = [this.bars, this.other, this.curve, axis, ...this.ticks, name, this.title, this.beyond];
    this.element = draw("svg", { viewBox: `0 0 ${WIDE} ${high}`, class: "heights", role: "img" }, ...parts);
  }

  tick(share) {
    const anchor = ["start", "middle", "end"][2 * share];
    return draw("text", { x: LEFT + share * (WIDE - LEFT - RIGHT), y: this.base + 15, "text-anchor": anchor });
  }

  /** From a depth to the drawing. */
  across(depth) {
    return WIDE - RIGHT - (depth / this.span) * (WIDE - LEFT - RIGHT);
  }

  down(density) {
    return this.base - Math.min(density / this.most, 1) * (this.base - ABOVE);
  }

  /**
   * @param {Law} law @param {Law | null} other  What it is compared with. @param {number} kappa @param {Samples} samples
   */
  show(law, other, kappa, samples) {
    this.span = spanOf(kappa);
    const peak = peakOf(law);
    this.most = HEADROOM * Math.max(peak, other ? peakOf(other) : 0);
    set(this.curve, { d: this.outline(law) });
    set(this.other, { d: other ? this.outline(other) : "" });
    this.showBars(samples);
    this.ticks.forEach((tick, i) => (tick.textContent = inHeight(1 - this.span * (1 - i / 2), this.span)));
    this.title.textContent = `density of t, ${exactly(peak)} at its peak${other ? "; dashed: von Mises–Fisher’s" : ""}`;
    set(this.element, { "aria-label": `Density of the height t, ${exactly(peak)} at t = 1, with the samples as bars` });
  }

  outline(law) {
    const points = Array.from({ length: CURVE + 1 }, (_, i) => {
      // Closer to each other where it may be steep.
      const depth = this.span * (i / CURVE) ** 2;
      return `${this.across(depth).toFixed(1)} ${this.down(Math.exp(law.level(depth)) / 2).toFixed(1)}`;
    });
    return `M${points.join("L")}`;
  }

  showBars({ depths, count }) {
    const bars = count < MANY ? FEWER : BARS;
    const { counts, beyond } = countsOf(depths, count, this.span, bars);
    const width = this.span / bars;
    const pieces = Array.from(counts, (number, i) => {
      const [right, left] = [this.across(i * width), this.across((i + 1) * width)];
      return number ? `M${left.toFixed(1)} ${this.base}V${this.down(number / (count * width)).toFixed(1)}H${(right - 1).toFixed(1)}V${this.base}Z` : "";
    });
    set(this.bars, { d: pieces.join("") });
    const share = beyond / count;
    this.beyond.textContent = share > WORTH ? `← ${(100 * share).toFixed(1)} % of the samples lie further left` : "";
  }
}

const peakOf = (law) => Math.exp(law.level(0)) / 2;

/** A height, with as many decimals as tell it from its neighbours. */
function inHeight(height, span) {
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(span)), 1), 5);
  return height.toFixed(decimals).replace("-", "−").replace(/^−?0\.0+$/, "0");
}
