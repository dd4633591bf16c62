// The latent explorer: a decoder that lives in the page. One module, two hosts: JupyterLab through anywidget, and the
// page of the book through host.js. Nothing is asked of a kernel; it is told what the reader has done when he lets go.

const PLACES = ["probe", "start", "end"];
// Milliseconds of a change from one model to the next.
const CHANGE = 180;

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
    this.fields = new Fields(this.members, this.content, this.labels, this.index);
    this.shades = new Shades(this.fields, CHANGE);
    this.easing = new Easing(CHANGE);
    this.frames = new Frames((now) => this.frame(now));
    this.hovered = null;
    // What is drawn now, part by part; empty once all has to be drawn anew.
    this.drawn = {};
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
    this.arrange();
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + CHOICES + RINGS + EXPLORER), this.root);
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

  arrange() {
    const { slider, ellipses, shades } = this.controls;
    const toggles = make("div", { class: "toggles" }, ellipses.element, shades.element);
    this.plane.element.append(this.legend.element);
    const controls = make("div", { class: "controls" }, ...(slider ? [slider.element] : []), toggles);
    this.layout = new Layout(this.root, controls, this.plane.element, [this.panes(), this.readout.list, this.paths.element], this.notes());
  }

  panes() {
    const { input, output } = this.readout;
    this.clear = make("button", { type: "button", class: "clear", click: () => this.pad.clear() }, "clear");
    const entrance = framed(this.pad.element, input, ...(this.pad.reduce ? [this.clear] : []));
    // A decoder alone has nothing that goes in.
    return make("div", { class: "panes" }, ...(this.example || this.pad.reduce ? [entrance] : []), framed(this.output.element, output));
  }

  notes() {
    const can = { click: this.example, draw: this.pad.reduce, doubt: this.members[0].spread };
    return make("p", { class: "notes" }, howTo(this.content, can), this.readout.spoken);
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
    this.legend.show(this.model.get("magnification"), this.shades);
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
    this.drawn = {};
    this.layout.fit(this.theme);
    this.output.redraw();
    this.pad.redraw();
    this.paths.redraw();
    this.stale();
  }

  /** Draw what is true now, and return whether that will change by itself. */
  frame(now) {
    const share = this.easing.share(now);
    const began = performance.now();
    // A model's field is computed in the frame that asks for it first: then curves wait.
    this.fields.ellipses(this.model.get("ellipses"), this.index);
    const busy = this.paths.relax(began, share < 1) || share < 1;
    const more = this.shade(now, busy) || busy;
    this.shown = share < 1 && this.before ? betweenScenes(this.before, this.scene, share) : this.scene;
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

  /** Whether any of these is not what it was when they were last asked for by this name. */
  isNew(name, ...parts) {
    const before = this.drawn[name];
    this.drawn[name] = parts;
    return !before || parts.some((part, i) => part !== before[i]);
  }

  shade(now, busy) {
    if (this.model.get("magnification")) return this.shades.show(this.index, now, busy);
    this.shades.hide();
    return false;
  }

  /** What stands where, once nothing moves any more. @returns {Scene} */
  get scene() {
    const ovals = this.fields.ellipses(this.model.get("ellipses"), this.index);
    const middles = this.fields.middles(this.index);
    return { codes: this.member.codes, middles, points: { ...this.points }, ovals, curve: this.paths.curve };
  }

  paintPlane() {
    const { shown, plane } = this;
    const { levels } = this.shades;
    if (this.isNew("cloud", shown.codes, shown.ovals, levels)) this.paintCloud(shown, levels);
    if (this.isNew("line", shown.points.start, shown.points.end)) plane.path("line", [shown.points.start, shown.points.end]);
    if (this.isNew("curve", shown.curve)) plane.path("curve", shown.curve);
    for (const name of PLACES)
      if (this.isNew(name, shown.points[name], this.points[name])) plane.place(name, shown.points[name], this.inWords(name));
  }

  paintCloud({ codes, middles, ovals }, levels) {
    const { theme } = this;
    const fill = (which) => PALETTE.classes[which][+theme.dark];
    this.plane.paint({
      codes,
      classOf: (index) => this.labels[index],
      classes: this.content.classes.map((name, which) => ({ name, middle: middles[which], fill: fill(which) })),
      ellipses: ovals,
      background: levels && this.shades.paint(PALETTE.magnitude),
      theme,
    });
  }

  inWords(name) {
    return `at ${this.member.toCode(this.points[name]).map((value) => value.toFixed(2)).join(", ")}`;
  }

  paintProbe() {
    const input = this.input();
    const { points, shown, hovered, member } = this;
    if (!this.isNew("probe", member, input, points.probe, shown.points.probe, hovered)) return;
    this.clear.disabled = !input;
    this.readout.name(input ? this.source() : "", hovered !== null);
    this.probe.show(member, points.probe, shown.points.probe, hovered, input);
  }

  /** What goes in: the example that the probe stays with, and the encoder's answer to it. */
  input() {
    const anchor = this.anchors.probe;
    if (this.given?.anchor !== anchor || this.given.member !== this.member)
      this.given = { anchor, member: this.member, input: this.inputOf(anchor) };
    return this.given.input;
  }

  inputOf(anchor) {
    const { index, drawn } = anchor ?? {};
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
