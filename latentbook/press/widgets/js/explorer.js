// The latent explorer: a decoder that lives in the page. One module, two hosts: JupyterLab through anywidget, and the
// page of the book through host.js. Nothing is asked of a kernel; it is told what the reader has done when he lets go.

const PLACES = ["probe", "start", "end"];
// Milliseconds of a change from one model to the next, and of a frame that may go into the shades.
const CHANGE = 180;
const FOR_SHADES = 6;

/** A view of one widget. */
export class Explorer {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {HTMLElement} element */
  constructor(model, element) {
    this.model = model;
    this.kernel = new Kernel(model, this);
    this.content = model.get("content");
    this.members = readMembers(this.content, model.get("weights"), model.get("codes"));
    this.example = readExamples(this.content, model.get("examples"));
    this.labels = octets(model.get("labels"));
    this.index = this.indexOf(model.get("lam"));
    this.fields = new Fields(this.members, this.content, this.index);
    this.easing = new Easing(CHANGE);
    this.shading = new Easing(CHANGE);
    this.frames = new Frames((now) => this.frame(now));
    this.hovered = null;
    this.build(element);
    this.takePoints();
    this.endings = [this.kernel.listen(), onTheme(() => this.repaint())];
    this.showChoices();
    this.restart();
    this.settle();
    // Nothing has changed yet that would have to be said.
    this.toSay = false;
  }

  get member() {
    return this.members[this.index];
  }

  indexOf(lam) {
    return Math.max(this.members.findIndex((member) => member.lam === lam), 0);
  }

  // ---- parts ----

  build(element) {
    this.root = make("div", { class: "explorer", role: "group", "aria-label": this.content.alt });
    const colours = (ink) => () => ({ ...this.theme, ink: this.theme[ink] });
    const painter = new Painter(this.content.event, colours("accent"));
    // Its size changes when it is put on the page too, and only then has it a theme.
    this.plane = new Plane(this.content, this.hands(), () => this.repaint());
    this.output = new Pane(painter, "what the decoder makes of the probe");
    this.pad = this.makePad(new Painter(this.content.event, colours("ink")));
    this.paths = new Paths(this.members, painter);
    this.readout = new Readout(Boolean(this.example || this.pad.reduce));
    this.probe = new Probe(this.content.radius, this.plane, this.output, this.readout);
    this.legend = new Legend(PALETTE.magnitude);
    this.controls = this.makeControls();
    this.root.append(...this.arranged());
    element.attachShadow({ mode: "open" }).append(make("style", {}, EXPLORER), this.root);
    this.theme = themeOf(this.root);
  }

  makePad(painter) {
    const reduce = { digits: reduceDigits, mnist: reduceMnist }[this.content.pad] ?? null;
    return new Pad(painter, reduce, { change: (example) => this.draw(example), settle: () => this.settle() });
  }

  makeControls() {
    const settle = () => this.settle();
    const slider = this.members.length > 1 ? new FamilySlider(this.members, (index) => this.goTo(index), settle) : null;
    const kinds = { none: "none", grid: "on a grid", ...(this.content.count ? { codes: "at data points" } : {}) };
    const ellipses = new Choice("ellipses", kinds, (kind) => this.choose("ellipses", kind));
    const shades = new Switch("area √det G", (on) => this.choose("magnification", on));
    return { slider, ellipses, shades };
  }

  arranged() {
    const { slider, ellipses, shades } = this.controls;
    const toggles = make("div", { class: "toggles" }, ellipses.element, shades.element);
    this.plane.element.append(this.legend.element);
    const controls = make("div", { class: "controls" }, ...(slider ? [slider.element] : []), toggles);
    const side = make("div", { class: "side" }, this.panes(), this.readout.list, this.paths.element);
    return [controls, this.plane.element, side, this.notes()];
  }

  panes() {
    const { input, output } = this.readout;
    this.clear = make("button", { type: "button", class: "clear", click: () => this.pad.clear() }, "clear");
    const entrance = make("figure", {}, this.pad.element, make("figcaption", {}, input, ...(this.pad.reduce ? [this.clear] : [])));
    const exit = make("figure", {}, this.output.element, make("figcaption", {}, output));
    // A decoder alone has nothing that goes in.
    return make("div", { class: "panes" }, ...(this.example || this.pad.reduce ? [entrance] : []), exit);
  }

  notes() {
    const radius = this.content.radius;
    const dot = this.example ? "; click a dot to see what it stands for" : "";
    const pad = this.pad.reduce ? ", or draw a digit in the left image" : "";
    const hint = `Drag the ring, A and B, or move them with the arrow keys${dot}${pad}.`;
    const steps = `An ellipse holds all steps that change the data by ${inFigures(radius)}; the ring's is ${ENLARGED} times as large.`;
    const doubt = this.members[0].spread ? `Dotted: ${ENLARGED} standard deviations of the encoder's answer.` : "";
    const beyond = this.content.count ? "Faint: where no data are." : "";
    return make("p", { class: "notes" }, [hint, steps, doubt, beyond, ...this.content.notes].filter(Boolean).join(" "), this.readout.spoken);
  }

  // ---- what the reader does ----

  hands() {
    return {
      move: (name, point) => this.move(name, point, null),
      pick: (index) => this.move("probe", this.member.codeOf(index), { index }),
      positions: () => this.points,
      nearest: (point) => nearest(this.member.codes, point),
      hover: (point) => this.hover(point),
      settle: () => this.settle(),
      undo: () => this.undo(),
    };
  }

  /** @param {string} name @param {Point} point @param {{index?: number, drawn?: Float64Array} | null} anchor  What the handle stays with. */
  move(name, point, anchor) {
    this.points[name] = point;
    this.anchors[name] = anchor;
    if (name !== "probe") this.paths.carry(this.points.start, this.points.end);
    else if (!anchor?.drawn) this.showInput();
    this.stale();
  }

  hover(point) {
    if (point === this.hovered) return;
    this.hovered = point;
    this.stale();
  }

  draw(example) {
    if (example) this.move("probe", this.member.encode(example).point, { drawn: example });
    else this.move("probe", this.points.probe, null);
  }

  choose(name, value) {
    this.kernel.tell({ [name]: value });
    this.showChoices();
  }

  /** The reader has let go: what is may be gone back to, and the kernel is told. */
  settle() {
    this.hovered = null;
    this.paths.check();
    this.kept = { points: { ...this.points }, anchors: { ...this.anchors } };
    const codes = Object.fromEntries(PLACES.map((name) => [name, this.member.toCode(this.points[name])]));
    // The model first: codes are of the model that they come with.
    this.kernel.tell({ lam: this.member.lam, example: this.anchors.probe?.index ?? null, ...codes });
    this.toSay = true;
    this.stale();
  }

  undo() {
    this.points = { ...this.kept.points };
    this.anchors = { ...this.kept.anchors };
    this.showInput();
    this.restart();
  }

  // ---- where handles are, and what they stay with ----

  takePoints() {
    const places = PLACES.map((name) => [name, this.member.toPlane(this.model.get(name))]);
    this.points = Object.fromEntries(places);
    this.anchors = Object.fromEntries(places.map(([name, point]) => [name, this.anchorAt(point)]));
    this.showInput();
  }

  /** The data point whose code this is, up to the rounding of what was sent: when the model changes, the handle stays with it. */
  anchorAt(point) {
    const { index, distance } = nearest(this.member.codes, point);
    return distance < 2e-3 * this.content.plane.reach ? { index } : null;
  }

  showChoices() {
    const { ellipses, shades, slider } = this.controls;
    ellipses.show(this.model.get("ellipses"));
    shades.show(this.model.get("magnification"));
    slider?.show(this.index);
    this.legend.show(this.model.get("magnification"), this.fields);
    this.stale();
  }

  showInput() {
    const values = this.input()?.values ?? null;
    // A drawing is on the pad already, in the hand's own lines.
    if (!values || values !== this.pad.example) this.pad.show(values, this.pad.reduce ? "draw a digit" : "");
  }

  // ---- another model ----

  goTo(index) {
    if (index === this.index) return;
    this.before = this.shown;
    this.shadedBefore = this.levels;
    this.index = index;
    this.points = Object.fromEntries(PLACES.map((name) => [name, this.follow(name)]));
    this.easing.start();
    this.showChoices();
    this.restart();
  }

  /** Where a handle is in this model: with its example, or where it was. */
  follow(name) {
    const anchor = this.anchors[name];
    if (anchor?.drawn) return this.member.encode(anchor.drawn).point;
    return anchor ? this.member.codeOf(anchor.index) : this.points[name];
  }

  restart() {
    this.paths.start(this.index, this.points.start, this.points.end);
    this.stale();
  }

  // ---- frames ----

  stale() {
    this.root.dataset.busy = "";
    this.frames.ask();
  }

  repaint() {
    this.theme = themeOf(this.root);
    this.output.redraw();
    this.pad.redraw();
    this.paths.redraw();
    this.stale();
  }

  /** Draw what is true now, and return whether that will change by itself. */
  frame(now) {
    const share = this.easing.share(now);
    const more = [share < 1, this.paths.relax(), this.shade(now)].some(Boolean);
    this.shown = this.between(share);
    this.paintPlane();
    this.paintProbe();
    this.paths.show();
    if (!more) this.rest();
    return more;
  }

  rest() {
    this.prepare();
    if (this.toSay) this.readout.tell(this.paths.spoken);
    this.toSay = false;
    delete this.root.dataset.busy;
  }

  /** Compute what the next models of the slider need, while nothing else is to be done. */
  prepare() {
    clearTimeout(this.ahead);
    const kind = this.model.get("ellipses");
    const next = this.members.findIndex((_, index) => kind !== "none" && !this.fields.known[kind][index]);
    if (next < 0) return;
    this.ahead = setTimeout(() => {
      this.fields.ellipses(kind, next);
      this.prepare();
    }, 100);
  }

  /** Compute shades for a part of the frame; while they are computed, those of the model before stay. */
  shade(now) {
    if (!this.model.get("magnification")) {
      this.levels = this.shadedBefore = null;
      return false;
    }
    if (this.fields.advance(this.index, FOR_SHADES)) return true;
    const { levels } = this.fields.shades[this.index];
    if (this.shaded !== this.index) this.shading.start();
    this.shaded = this.index;
    const share = this.shadedBefore ? this.shading.share(now) : 1;
    this.levels = share < 1 ? between(this.shadedBefore, levels, share) : levels;
    return share < 1;
  }

  /** What stands between the model before and this one. */
  between(share) {
    const ovals = this.fields.ellipses(this.model.get("ellipses"), this.index);
    const now = { codes: this.member.codes, points: this.points, ovals, curve: this.paths.curve };
    if (share === 1 || !this.before) return now;
    const { codes, points, ovals: fromOvals, curve } = this.before;
    return {
      codes: between(codes, now.codes, share),
      points: Object.fromEntries(PLACES.map((name) => [name, between(points[name], now.points[name], share)])),
      ovals: betweenOvals(fromOvals, now.ovals, share),
      curve: now.curve.map((point, i) => between(curve[i], point, share)),
    };
  }

  paintPlane() {
    const { theme, shown, plane } = this;
    const shades = this.model.get("magnification") && this.levels;
    const classes = this.content.classes.map((name, which) => ({ name, fill: PALETTE.classes[which][+theme.dark] }));
    plane.paint({
      codes: shown.codes,
      classOf: (index) => this.labels[index],
      classes,
      ellipses: shown.ovals,
      background: shades ? this.fields.paintShades(shades, PALETTE.magnitude) : null,
      theme,
    });
    plane.path("line", [shown.points.start, shown.points.end]);
    plane.path("curve", shown.curve);
    for (const name of PLACES) plane.place(name, shown.points[name], this.inWords(name));
  }

  inWords(name) {
    return `at ${this.member.toCode(this.points[name]).map((value) => value.toFixed(2)).join(", ")}`;
  }

  paintProbe() {
    const input = this.input();
    this.clear.disabled = !input;
    this.readout.name(input ? this.source() : "", this.hovered !== null);
    // What is under the pointer has no input.
    this.probe.paint(this.member, this.hovered ?? this.points.probe, this.hovered ? null : input);
    this.probe.outline(this.member, this.points.probe, this.shown.points.probe, this.hovered, input);
  }

  /** What goes in: the example that the probe stays with, and the encoder's answer to it. */
  input() {
    const { index, drawn } = this.anchors.probe ?? {};
    const values = drawn ?? (index !== undefined && this.example ? this.example(index) : null);
    return values && { values, answer: this.member.encoder ? this.member.encode(values) : null };
  }

  /** Where the input is from, in words. */
  source() {
    const { index, drawn } = this.anchors.probe;
    const known = this.content.classes[this.labels[index]];
    if (drawn) return "your drawing";
    return known ?? "from the data";
  }

  close() {
    this.frames.close();
    clearTimeout(this.ahead);
    // What the reader does to it now reaches nothing any more.
    this.root.remove();
    this.endings.forEach((end) => end());
    for (const part of [this.plane, this.output, this.pad, this.paths]) part.close();
  }
}
