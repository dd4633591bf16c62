// The grid: a cell for each pair of weights, chosen by sliders, in a map of one metric, or in the plane of its rates.

const HOW_TO =
  "Click or drag in the map, or move the ring with the arrow keys; a dot of the rate plane is the same cell. " +
  "Along the one bright line β₁ stays as it is, along the other β₂; on a dashed line the sum of both rates does.";

/** A view of one widget. */
export class Grid {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {HTMLElement} element */
  constructor(model, element) {
    Object.assign(this, model.get("content"));
    this.model = model;
    this.traits = new Traits(model, ["beta_1", "beta_2", "metric"], () => this.show());
    this.hovered = null;
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    const parts = [this.makeSliders(), this.makeMap(), this.makeImages(), this.makeTable(), this.makePlane(), this.spoken];
    this.root = make("div", { class: "grid", role: "group", "aria-label": this.alt }, ...parts, make("p", { class: "notes" }, HOW_TO));
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + RATES + GRID), this.root);
    this.unwatch = onTheme(() => this.dress());
    // A view that is not on the page yet has no theme.
    this.watch = new ResizeObserver(() => this.dress());
    this.watch.observe(this.root);
    this.show();
  }

  makeSliders() {
    const slider = (axis, sign, words) =>
      new WeightSlider(sign, words, this.betas[axis], (value) => this.change(`beta_${axis + 1}`, value), () => this.settle());
    this.sliders = [slider(0, "β₁", "next to the data"), slider(1, "β₂", "the top layer")];
    return make("div", { class: "sliders" }, ...this.sliders.map((one) => one.element));
  }

  makeMap() {
    const options = this.metrics.map(({ name, label }) => make("option", { value: name }, label));
    const choose = () => {
      this.change("metric", this.select.value);
      this.settle();
    };
    this.select = make("select", { "aria-label": "Map of which metric", change: choose }, ...options);
    this.map = new HeatMap(this.betas, this);
    this.legend = new Legend();
    this.readout = make("p", { class: "readout" });
    this.toBest = make("button", { type: "button", class: "to-best", click: () => this.goToBest() });
    const title = make("label", { class: "title" }, "Map of", this.select);
    return make("section", { class: "map" }, title, this.map.svg, this.legend.element, this.readout, this.toBest);
  }

  makeImages() {
    this.pictures = new Images(this.images);
    return this.pictures.element;
  }

  makeTable() {
    this.table = new MetricTable(this.metrics);
    return make("section", { class: "numbers" }, this.table.element);
  }

  makePlane() {
    this.plane = new RateDots(this.rates, this.names, this);
    this.sum = make("p", { class: "readout" });
    const title = make("p", { class: "title" }, "Rates, in the colours of the map");
    return make("section", { class: "plane" }, title, this.plane.svg, this.sum);
  }

  /** Row and column of what is shown. */
  get cell() {
    return this.betas.map((weights, axis) => nearestStop(weights, this.traits.values[`beta_${axis + 1}`]));
  }

  get metric() {
    return this.metrics.find(({ name }) => name === this.traits.values.metric);
  }

  change(name, value) {
    this.traits.values[name] = value;
    this.show();
  }

  choose([row, column]) {
    if (sameCell([row, column], this.cell)) return;
    Object.assign(this.traits.values, { beta_1: this.betas[0][row], beta_2: this.betas[1][column] });
    this.show();
  }

  goToBest() {
    this.choose(this.best);
    this.settle();
  }

  hover(cell) {
    if (cell === this.hovered || sameCell(cell, this.hovered)) return;
    this.hovered = cell;
    this.point();
  }

  /** The reader has let go: the kernel is told, and so is a reader who listens. */
  settle() {
    if (!this.traits.tell()) return;
    this.spoken.textContent = `${this.nameOf(this.cell)}: ${this.metric.label} ${this.said(this.cell)}. ${this.rateWords(this.cell)}`;
  }

  nameOf([row, column]) {
    return `β₁ = ${inShort(this.betas[0][row])}, β₂ = ${inShort(this.betas[1][column])}`;
  }

  said([row, column]) {
    const value = this.metric.values[row][column];
    return value === null ? "no value, the training failed" : inUnits(value, this.metric.unit);
  }

  rateWords([row, column]) {
    const [above, below] = this.rates.map((values) => values[row][column]);
    if (above === null || below === null) return "no rates: the training failed";
    const [top, bottom] = this.names;
    if (!this.areAll) return `${top} ${inFigures(above)}, ${bottom} ${inFigures(below)} nats`;
    return `${top} ${inFigures(above)} + ${bottom} ${inFigures(below)} = ${inFigures(above + below)} nats`;
  }

  show() {
    const { cell, metric } = this;
    if (metric !== this.painted) this.paint();
    this.sliders.forEach((slider, axis) => slider.show(this.betas[axis][cell[axis]]));
    this.pictures.show(cell, this.metrics.every(({ values }) => values[cell[0]][cell[1]] === null));
    this.table.show(cell, metric.name, `The cell ${this.nameOf(cell)}`);
    this.map.show(cell);
    this.plane.show(cell, this.rateWords(cell));
    this.hovered = null;
    this.point();
  }

  /** Colour all cells by the metric. */
  paint() {
    const { metric } = this;
    this.painted = metric;
    this.best = bestOf(metric.values, metric.larger);
    this.select.value = metric.name;
    this.map.paint(metric, this.best);
    this.plane.paint(metric, this.best);
    this.toBest.hidden = !this.best;
    if (this.best) this.toBest.replaceChildren(starIcon(), `best: ${this.said(this.best)} at ${this.nameOf(this.best)}`);
  }

  /** Say what is under the pointer, or else what is chosen. */
  point() {
    const at = this.hovered ?? this.cell;
    this.map.hover(this.hovered);
    this.plane.hover(this.hovered);
    this.legend.show(this.metric, this.metric.values[at[0]][at[1]]);
    this.readout.textContent = `${this.nameOf(at)}: ${this.said(at)}`;
    this.sum.textContent = this.rateWords(at);
  }

  dress() {
    this.root.style.colorScheme = themeOf(this.root).dark ? "dark" : "light";
    this.pictures.paint();
  }

  close() {
    this.traits.close();
    this.unwatch();
    this.watch.disconnect();
    this.root.remove();
  }
}

export default { render: rendering("trained-grid", "grid", Grid) };
