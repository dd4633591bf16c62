// The trader: two weights, and what they make of the rates and the distortion of a hierarchy, live from its formulas.

// Side of the rate plane's drawing.
const SIDE = 400;
// Curves of one weight each, points on each of them, steps of a slider from end to end, places that the trail remembers.
const CURVES = 5;
const POINTS = 41;
const STEPS = 80;
const TRAIL = 90;
const SHARES = [
  ["R2", "R(z₂)", "rate of the top layer"],
  ["R1", "R(z₁ | z₂)", "rate of the layer next to the data"],
  ["D", "D", "distortion"],
];
const HOW_TO =
  "Along the one bright curve β₁ stays as it is, along the other β₂; the faint ones are other weights. " +
  "The mark on the bar is the entropy of the data, below which the sum cannot fall.";

/** The plane of the two rates: a net of curves of one weight each, the curves of the weights chosen, and where they meet. */
class RatePlane extends RateFrame {
  /** @param {[number, number]} span @param {number} variance */
  constructor(span, variance) {
    const [least, most] = span;
    const largest = Math.max(linearGaussian(most, least, variance).R2, linearGaussian(least, most, variance).R1);
    const reach = Math.ceil(2 * largest) / 2;
    super(SIDE, [reach, reach], [0.5, 0.5]);
    Object.assign(this, { span, variance, trail: [] });
    this.lines = { above: draw("polyline", { class: "above" }), below: draw("polyline", { class: "below" }) };
    this.path = draw("polyline", { class: "trail" });
    this.dot = draw("circle", { class: "dot", r: 8 });
    this.svg.append(...this.net(), this.lines.above, this.lines.below, this.path, this.dot);
  }

  rates(below, above) {
    const { R2, R1 } = linearGaussian(below, above, this.variance);
    return [R2, R1];
  }

  /** The curve on which one weight stays. */
  curve(which, weight) {
    const others = weightsBetween(this.span, POINTS);
    const rates = others.map((other) => (which === "below" ? this.rates(weight, other) : this.rates(other, weight)));
    return rates.map((point) => this.place(point).map((at) => at.toFixed(1)).join()).join(" ");
  }

  net() {
    const weights = weightsBetween(this.span, CURVES);
    return ["below", "above"].flatMap((which) =>
      weights.map((weight) => draw("polyline", { class: `net ${which}`, points: this.curve(which, weight) })));
  }

  show(below, above) {
    const [x, y] = this.place(this.rates(below, above));
    this.trail = [...this.trail.slice(1 - TRAIL), `${x.toFixed(1)},${y.toFixed(1)}`];
    set(this.path, { points: this.trail.join(" ") });
    set(this.lines.below, { points: this.curve("below", below) });
    set(this.lines.above, { points: this.curve("above", above) });
    set(this.dot, { cx: x, cy: y });
  }
}

/** Rates and distortion beside each other, and the entropy of the data, which their sum cannot fall below. */
class Shares {
  /** @param {[number, number]} span @param {number} variance */
  constructor([least, most], variance) {
    this.entropy = dataEntropy(variance);
    const corners = [least, most].flatMap((below) => [least, most].map((above) => linearGaussian(below, above, variance)));
    this.most = Math.max(...corners.map((terms) => SHARES.reduce((total, [name]) => total + terms[name], 0)));
    this.parts = SHARES.map(([name]) => make("span", { class: `part ${name}` }));
    this.numbers = SHARES.map(() => make("dd", {}));
    this.total = make("dd", {});
    const bar = make("div", { class: "bar", "aria-hidden": "true" }, ...this.parts, this.mark());
    const rows = SHARES.map(([name, sign, words], i) =>
      make("div", {}, make("dt", {}, make("i", { class: `key ${name}` }), `${sign}, ${words}`), this.numbers[i]));
    const sum = make("div", { class: "sum" }, make("dt", {}, `sum, at least the entropy of the data, ${inFigures(this.entropy)}`), this.total);
    this.element = make("div", { class: "shares" }, bar, make("dl", {}, ...rows, sum));
  }

  mark() {
    const mark = make("span", { class: "mark" });
    mark.style.left = `${(100 * this.entropy) / this.most}%`;
    return mark;
  }

  show(terms) {
    SHARES.forEach(([name], i) => {
      this.parts[i].style.width = `${(100 * terms[name]) / this.most}%`;
      this.numbers[i].textContent = inFigures(terms[name]);
    });
    this.total.textContent = inFigures(SHARES.reduce((total, [name]) => total + terms[name], 0));
  }
}

/** A view of one widget. */
export class Trader {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {HTMLElement} element */
  constructor(model, element) {
    this.model = model;
    const { span, variance, alt } = model.get("content");
    this.variance = variance;
    this.traits = new Traits(model, ["beta_1", "beta_2"], () => this.show());
    this.weights = this.traits.values;
    const stops = weightsBetween(span, STEPS + 1).map((weight) => Number(weight.toPrecision(3)));
    const slider = (name, sign, words) => new WeightSlider(sign, words, stops, (value) => this.choose(name, value), () => this.settle());
    this.sliders = { beta_1: slider("beta_1", "β₁", "next to the data"), beta_2: slider("beta_2", "β₂", "the top layer") };
    this.plane = new RatePlane(span, variance);
    this.shares = new Shares(span, variance);
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    const side = make("div", { class: "side" }, ...Object.values(this.sliders).map((one) => one.element), this.shares.element, this.spoken);
    this.root = make("div", { class: "trader", role: "group", "aria-label": alt }, side, this.plane.svg, make("p", { class: "notes" }, HOW_TO));
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + RATES + TRADER), this.root);
    this.show();
  }

  choose(name, value) {
    this.weights[name] = value;
    this.show();
  }

  /** The reader has let go: the kernel is told, and so is a reader who listens. */
  settle() {
    this.traits.tell();
    this.spoken.textContent = this.inWords;
  }

  get terms() {
    return linearGaussian(this.weights.beta_1, this.weights.beta_2, this.variance);
  }

  get inWords() {
    const { R2, R1, D } = this.terms;
    return `rate of the top layer ${inFigures(R2)}, of the layer next to the data ${inFigures(R1)}, distortion ${inFigures(D)} nats`;
  }

  show() {
    for (const [name, slider] of Object.entries(this.sliders)) slider.show(this.weights[name]);
    this.plane.show(this.weights.beta_1, this.weights.beta_2);
    this.shares.show(this.terms);
    set(this.plane.svg, { "aria-label": `The rate plane: ${this.inWords}` });
  }

  close() {
    this.traits.close();
    this.root.remove();
  }
}

export default { render: rendering("rate-trader", "trader", Trader) };
