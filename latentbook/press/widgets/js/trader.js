// The trader: two weights, and what they make of the rates and the distortion of a hierarchy, live from its formulas.

// Side of the rate plane's drawing, and room around it for its axes.
const SIDE = 400;
const ROOM = { left: 46, right: 10, top: 10, bottom: 40 };
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

/** A slider for a weight, at equal ratios. */
class WeightSlider {
  /** @param {string} name @param {string} words @param {[number, number]} span @param {(value: number) => void} choose @param {() => void} settle */
  constructor(name, words, span, choose, settle) {
    this.span = span;
    this.input = make("input", { type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${name}, ${words}` });
    set(this.input, { input: () => choose(this.valueAt(+this.input.value)), change: settle });
    // A finger that lands here to scroll has moved the thumb before the browser takes the touch over: it goes back.
    set(this.input, { pointerdown: () => (this.before = this.shown), pointercancel: () => choose(this.before) });
    this.value = make("span", { class: "value" });
    this.name = name;
    const head = make("div", { class: "head" }, make("span", {}, `${name} = `, this.value), make("span", {}, words));
    this.element = make("div", { class: "slider" }, head, this.input);
  }

  valueAt(step) {
    const [first, last] = this.span;
    return Number((first * (last / first) ** (step / STEPS)).toPrecision(3));
  }

  show(value) {
    const [first, last] = this.span;
    this.shown = value;
    this.input.value = Math.round((STEPS * Math.log(value / first)) / Math.log(last / first));
    this.value.textContent = inFigures(value);
    set(this.input, { "aria-valuetext": `${this.name} = ${inFigures(value)}` });
  }
}

/** The plane of the two rates: a net of curves of one weight each, the curves of the weights chosen, and where they meet. */
class RatePlane {
  /** @param {[number, number]} span @param {number} variance */
  constructor(span, variance) {
    Object.assign(this, { span, variance, trail: [] });
    const [least, most] = span;
    const largest = Math.max(this.rates(most, least)[0], this.rates(least, most)[1]);
    this.reach = Math.ceil(2 * largest) / 2;
    this.size = { width: ROOM.left + SIDE + ROOM.right, height: ROOM.top + SIDE + ROOM.bottom };
    this.svg = draw("svg", { viewBox: `0 0 ${this.size.width} ${this.size.height}`, role: "img" });
    this.svg.append(...this.axes(), ...this.net());
    this.lines = { above: draw("polyline", { class: "above" }), below: draw("polyline", { class: "below" }) };
    this.path = draw("polyline", { class: "trail" });
    this.dot = draw("circle", { class: "dot", r: 8 });
    this.svg.append(this.lines.above, this.lines.below, this.path, this.dot);
  }

  rates(below, above) {
    const { R2, R1 } = linearGaussian(below, above, this.variance);
    return [R2, R1];
  }

  place([R2, R1]) {
    return [ROOM.left + (SIDE * R2) / this.reach, ROOM.top + SIDE * (1 - R1 / this.reach)];
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

  axes() {
    const ticks = Array.from({ length: 2 * this.reach + 1 }, (_, i) => i / 2);
    const [x0, y0] = this.place([0, 0]);
    const sums = ticks.slice(1).map((total) => this.line([total, 0], [0, total], "total"));
    const marks = ticks.flatMap((tick) => {
      const [x, y] = this.place([tick, tick]);
      return [label(tick, x, y0 + 16, "middle"), label(tick, x0 - 8, y + 4, "end")];
    });
    const names = [label("R(z₂), nats", x0 + SIDE / 2, y0 + 35, "middle"), label("R(z₁ | z₂), nats", 0, 0, "middle")];
    set(names[1], { transform: `translate(12 ${ROOM.top + SIDE / 2}) rotate(-90)` });
    const frame = [this.line([0, 0], [this.reach, 0], "axis"), this.line([0, 0], [0, this.reach], "axis")];
    return [...sums, ...frame, ...marks, ...names];
  }

  line(from, to, kind) {
    const [[x1, y1], [x2, y2]] = [this.place(from), this.place(to)];
    return draw("line", { class: kind, x1, y1, x2, y2 });
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

const label = (words, x, y, anchor) => draw("text", { x, y, "text-anchor": anchor }, String(words));

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
    this.weights = { beta_1: model.get("beta_1"), beta_2: model.get("beta_2") };
    const slider = (name, sign, words) => new WeightSlider(sign, words, span, (value) => this.choose(name, value), () => this.settle());
    this.sliders = { beta_1: slider("beta_1", "β₁", "next to the data"), beta_2: slider("beta_2", "β₂", "the top layer") };
    this.plane = new RatePlane(span, variance);
    this.shares = new Shares(span, variance);
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    const side = make("div", { class: "side" }, ...Object.values(this.sliders).map((one) => one.element), this.shares.element, this.spoken);
    this.root = make("div", { class: "trader", role: "group", "aria-label": alt }, side, this.plane.svg, make("p", { class: "notes" }, HOW_TO));
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + TRADER), this.root);
    this.follow = () => this.hear();
    for (const name of Object.keys(this.weights)) model.on(`change:${name}`, this.follow);
    this.show();
  }

  choose(name, value) {
    this.weights[name] = value;
    this.show();
  }

  /** The reader has let go: the kernel is told, and so is a reader who listens. */
  settle() {
    const fresh = Object.entries(this.weights).filter(([name, value]) => this.model.get(name) !== value);
    for (const [name, value] of fresh) this.model.set(name, value);
    if (fresh.length) this.model.save_changes();
    this.spoken.textContent = this.inWords;
  }

  /** Another view, or the kernel, has changed something. */
  hear() {
    for (const name of Object.keys(this.weights)) this.weights[name] = this.model.get(name);
    this.show();
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
    for (const name of Object.keys(this.weights)) this.model.off(`change:${name}`, this.follow);
    this.root.remove();
  }
}

function render({ model, el }) {
  if (!model.get("content")?.span) {
    el.append(make("p", { class: "lb-kernel" }, "This trader was saved without its data: run its cell again."));
    return () => {};
  }
  const host = hostIn(el, "rate-trader");
  // What tests and curious readers hold on to.
  host.trader = new Trader(model, host);
  return () => host.trader.close();
}

export default { render };
