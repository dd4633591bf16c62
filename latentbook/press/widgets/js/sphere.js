// The globe: a law on S² in R³, its density and its samples, live from its formulas; and what a decoder makes of them.

const TRAITS = ["law", "kappa", "loc", "view", "samples", "seed", "shown"];
// Samples that can be asked for at most, and those that the reader chooses from.
const MOST = 2000;
const COUNTS = { 200: "200", 2000: "2,000" };
const LAWS = { vmf: "von Mises–Fisher", power: "Power Spherical", cauchy: "spherical Cauchy", uniform: "uniform" };
// The share of a law that lies within the dashed circle.
const WITHIN = 0.9;
// Milliseconds in which the globe turns by itself.
const TURNING = 400;
const BARE = 240;
const BESIDE_IMAGES = 170;

/** What the law of a name is, as the parts of a line. */
const FORMULAS = {
  vmf: () => ["density ∝ exp(κ μ·x)"],
  power: () => ["density ∝ (1 + μ·x)", make("sup", {}, "κ")],
  cauchy: ({ rho }) => ["density ∝ (1 + ρ² − 2ρ μ·x)⁻²", `, ρ = ${exactly(rho ?? 0)}: its mean is as long as von Mises–Fisher’s at this κ`],
  uniform: () => ["density 1/4π: κ plays no part"],
};

/** A view of one widget. */
export class Globe {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {HTMLElement} element */
  constructor(model, element) {
    this.model = model;
    this.content = model.get("content");
    this.traits = new Traits(model, TRAITS, () => this.hear());
    this.now = this.traits.values;
    this.samples = new Samples(MOST);
    this.codes = new Codes(this.content, model.get("codes"), model.get("labels"));
    this.easing = new Easing(TURNING);
    this.frames = new Frames((at) => this.frame(at));
    this.keep();
    this.build(element);
    this.ending = onTheme(() => this.repaint());
    this.follow();
  }

  // ---- parts ----

  build(element) {
    const { content } = this;
    this.ball = new Ball(PALETTE.magnitude, () => this.repaint());
    this.turning = new Turning(this.ball, this.hands());
    const colours = () => this.theme;
    this.decoded = content.decoder ? new Decoded(content, this.model.get("weights"), colours) : null;
    this.heights = new Heights(this.decoded ? BESIDE_IMAGES : BARE);
    this.numbers = new Numbers();
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    this.root = make("div", { class: this.decoded ? "sphere" : "sphere bare", role: "group", "aria-label": content.alt });
    const side = [...(this.decoded ? [this.decoded.element] : []), this.numbers.element, this.heights.element];
    const notes = make("p", { class: "notes" }, this.howTo(), this.spoken);
    const plane = make("div", { class: "front" }, this.turning.element, this.makeLegend());
    this.layout = new Layout(this.root, this.makeControls(), plane, side, notes);
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + CHOICES + RINGS + SPHERE), this.root);
    this.theme = themeOf(this.root);
  }

  makeControls() {
    const choose = (name) => (value) => this.choose({ [name]: value });
    this.law = new Choice("law", LAWS, choose("law"));
    this.slider = new ConcentrationSlider((kappa) => this.change({ kappa }), () => this.settle());
    this.count = new Choice("samples", COUNTS, (count) => this.choose({ samples: +count }));
    this.shown = new Choice("globe", { law: "the law", codes: "test images" }, choose("shown"));
    const again = make("button", { type: "button", class: "again", click: () => this.choose({ seed: this.now.seed + 1 }) }, "draw anew");
    this.formula = make("p", { class: "formula" });
    const drawing = make("div", { class: "toggles" }, this.count.element, again);
    const toggles = make("div", { class: "toggles" }, ...(this.codes.count ? [this.shown.element] : []), drawing);
    const family = make("div", { class: "family" }, this.law.element, this.formula);
    return make("div", { class: "controls" }, family, this.slider.element, toggles);
  }

  makeLegend() {
    const bar = make("span", { class: "bar" });
    bar.style.background = `linear-gradient(to right, ${PALETTE.magnitude.join()})`;
    const marks = [0, 1, 3, 10, 100].map((times) => {
      const mark = make("i", {}, times.toLocaleString("en"));
      mark.style.left = `${100 * shareOfColours(Math.log(times))}%`;
      return mark;
    });
    this.legendWords = make("span");
    const label = "colours of the density, as a multiple of the uniform law's";
    const scale = make("span", { class: "scale", role: "img", "aria-label": label }, bar, ...marks);
    this.legend = make("div", { class: "legend" }, this.legendWords, scale);
    return this.legend;
  }

  howTo() {
    const goal = this.decoded ? "Drag μ, or click where it shall go, to see what the decoder makes of the place" : "Drag μ, or click where it shall go";
    return `${goal}; drag the globe to turn it. Arrow keys do both, Home brings μ to the middle. Within the dashed circle lie ${100 * WITHIN} % of the law.`;
  }

  // ---- what the reader does ----

  hands() {
    return {
      turn: (view) => this.change({ view }),
      move: (loc) => this.change({ loc }),
      face: () => this.face(),
      settle: () => this.settle(),
      undo: () => this.change(this.kept),
      now: () => ({ view: this.now.view, mean: this.now.loc }),
    };
  }

  change(values) {
    this.easing.began = -Infinity;
    Object.assign(this.now, values);
    this.follow();
  }

  choose(values) {
    this.change(values);
    this.settle();
  }

  /** Turn the globe until μ is in the middle, the short way round. */
  face() {
    const from = this.now.view;
    this.now.view = placeOf(this.now.loc);
    this.settle();
    this.way = { from, by: [within([this.now.view[0] - from[0], 0])[0], this.now.view[1] - from[1]] };
    this.easing.start();
  }

  /** The reader has let go: the kernel is told, and so is a reader who listens. */
  settle() {
    this.keep();
    this.traits.tell();
    this.toSay = true;
    this.stale();
  }

  /** The kernel, or another view, has changed something. */
  hear() {
    this.easing.began = -Infinity;
    this.keep();
    this.follow();
  }

  /** What is gone back to when a touch becomes a scroll. */
  keep() {
    this.kept = { view: this.now.view, loc: this.now.loc };
  }

  // ---- frames ----

  /** Something has changed: what follows from it is computed in the next frame. */
  follow() {
    this.isNew = true;
    this.stale();
  }

  stale() {
    this.root.dataset.busy = "";
    this.frames.ask();
  }

  repaint() {
    this.theme = themeOf(this.root);
    this.layout.fit(this.theme);
    this.decoded?.redraw();
    this.follow();
  }

  frame(at) {
    if (this.isNew) this.compute();
    this.isNew = false;
    const share = this.easing.share(at);
    const { from, by } = this.way ?? {};
    this.view = share < 1 ? within([from[0] + share * by[0], from[1] + share * by[1]]) : this.now.view;
    this.paint();
    if (share < 1) return true;
    this.rest();
    return false;
  }

  rest() {
    if (this.toSay) this.spoken.textContent = this.inWords;
    this.toSay = false;
    delete this.root.dataset.busy;
  }

  /** Whether any of these is not what it was when they were last asked for by this name. */
  differs(name, ...parts) {
    this.known ??= {};
    const before = this.known[name];
    this.known[name] = parts;
    return !before || parts.some((part, i) => part !== before[i]);
  }

  compute() {
    const { law, kappa, loc, samples, seed } = this.now;
    const isOther = this.differs("law", law, kappa);
    const isRedrawn = this.differs("draws", samples, seed);
    const isMoved = this.differs("mean", loc);
    if (isOther) this.current = lawOf(law, kappa);
    if (isOther) this.ball.shading.take(this.current);
    if (isRedrawn) this.samples.seed(seed);
    if (isOther || isRedrawn || isMoved) this.samples.take(this.current, loc, samples);
    if (isOther || isRedrawn || isMoved) this.decoded?.show(loc, this.samples);
    if (isOther || isRedrawn) this.showLaw();
    this.showChoices();
  }

  showLaw() {
    const { law, kappa } = this.now;
    const isPlain = law === "vmf" || law === "uniform";
    this.cap = this.current.quantile(WITHIN, 1 - WITHIN);
    this.heights.show(this.current, isPlain ? null : lawOf("vmf", kappa), law === "uniform" ? 0 : kappa, this.samples);
    this.numbers.show(this.current, this.samples);
    this.formula.replaceChildren(...FORMULAS[law](this.current));
    const angle = (2 * Math.asin(Math.sqrt(this.cap / 2))) / RADIAN;
    this.slider.show(kappa, `${100 * WITHIN} % lie within ${angle.toPrecision(angle < 100 ? 2 : 3)}° of μ`, law !== "uniform");
  }

  showChoices() {
    this.law.show(this.now.law);
    this.count.show(String(this.now.samples));
    this.shown.show(this.now.shown);
    const isLaw = this.now.shown === "law";
    this.legend.classList.toggle("off", !isLaw);
    this.legendWords.textContent = isLaw ? "density, × uniform" : `codes of ${this.codes.count} test images, faint on the far side`;
  }

  paint() {
    const { ball, view, theme } = this;
    const { shown, loc } = this.now;
    ball.paint({ shown, law: this.current, mean: loc, view, cap: 1 - this.cap, samples: this.samples, codes: this.codes.scene(theme.dark), theme });
    this.turning.show(view, seenFrom(axesOf(view), loc), placeOf(loc));
  }

  get inWords() {
    const { law, kappa } = this.now;
    const [along, up] = placeOf(this.now.loc).map(Math.round);
    const { meanLength, divergence } = this.current;
    const numbers = `mean resultant length ${exactly(meanLength)}, KL to the uniform ${exactly(divergence)} nats`;
    return `${LAWS[law]}, κ = ${exactly(kappa)}, μ at longitude ${along}°, latitude ${up}°: ${numbers}`;
  }

  close() {
    this.frames.close();
    this.traits.close();
    this.ending();
    this.root.remove();
    this.ball.close();
    this.decoded?.close();
  }
}

/** What is known of the law in closed form, and what the samples say of it. */
class Numbers {
  constructor() {
    const head = (words) => make("th", { scope: "col" }, words);
    this.drawn = head("");
    this.cells = {};
    const row = (name, words, unit) => {
      this.cells[name] = [make("td"), make("td")];
      return make("tr", {}, make("th", { scope: "row" }, words), ...this.cells[name], make("td", {}, unit));
    };
    const rows = [row("meanLength", "mean resultant length", ""), row("divergence", "KL to the uniform law", "nats")];
    const heads = make("tr", {}, make("td"), head("exact"), this.drawn, make("td"));
    this.element = make("table", { class: "figures" }, make("thead", {}, heads), make("tbody", {}, ...rows));
  }

  /** @param {Law} law @param {Samples} samples */
  show(law, samples) {
    this.drawn.textContent = `${samples.count.toLocaleString("en")} drawn`;
    this.say("meanLength", law.meanLength, samples.meanLength);
    this.say("divergence", law.divergence, samples.divergence(law));
  }

  say(name, exact, drawn) {
    this.cells[name][0].textContent = exactly(exact);
    this.cells[name][1].textContent = exactly(drawn);
  }
}

export default { render: rendering("globe", "globe", Globe) };
