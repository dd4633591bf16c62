// The clock: two circles to turn, the image that a decoder makes of both, and what is on the way round.

const LETTERS = ["a", "b"];
const ENTRIES = ["cos a", "sin a", "cos b", "sin b"];
const HOW_TO =
  "Turn a circle by its ring, with the pointer or the arrow keys. Around it stands what the decoder makes of the way " +
  "round, while the other circle stays where it is.";

/** A view of one widget. */
export class Clock {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {HTMLElement} element */
  constructor(model, element) {
    this.model = model;
    this.content = model.get("content");
    this.traits = new Traits(model, ["angles"], () => this.hear());
    this.decoder = new Perceptron(this.content.decoder, halves(model.get("weights")));
    this.image = new Float64Array(this.decoder.outputs);
    this.rims = LETTERS.map(() => Dial.stops.map(() => new Float64Array(this.decoder.outputs)));
    this.frames = new Frames(() => this.frame());
    this.build(element);
    this.keep();
    this.ending = onTheme(() => this.repaint());
    this.stale();
  }

  get angles() {
    return this.traits.values.angles;
  }

  // ---- parts ----

  build(element) {
    const { alt, event, names } = this.content;
    const painter = (ink) => new Painter(event, () => ({ ...this.theme, ink: this.theme[ink] }));
    this.pane = new Pane(painter("accent"), "what the decoder makes of both circles");
    this.dials = LETTERS.map((letter, which) => new Dial(names[which], letter, painter("ink"), this.hands(which), () => this.repaint()));
    this.code = ENTRIES.map(() => make("dd"));
    const entries = ENTRIES.map((name, i) => make("div", {}, make("dt", {}, name), this.code[i]));
    this.spoken = make("p", { class: "spoken", "aria-live": "polite" });
    const middle = make("div", { class: "middle" }, framed(this.pane.element, make("span", {}, "the decoded image")), make("dl", { class: "code" }, ...entries));
    const [first, second] = this.dials.map((dial) => dial.figure);
    const notes = make("p", { class: "notes" }, HOW_TO, this.spoken);
    this.root = make("div", { class: "clock", role: "group", "aria-label": alt }, first, middle, second, notes);
    element.attachShadow({ mode: "open" }).append(make("style", {}, SHARED + RINGS + CLOCK), this.root);
    this.theme = themeOf(this.root);
  }

  hands(which) {
    return {
      now: () => this.angles[which],
      turn: (angle) => this.turn(which, angle),
      settle: () => this.settle(),
      undo: () => {
        this.traits.values.angles = this.kept;
        this.stale();
      },
    };
  }

  // ---- what the reader does ----

  turn(which, angle) {
    this.traits.values.angles = this.angles.map((own, i) => (i === which ? angle : own));
    this.stale();
  }

  /** The reader has let go: the kernel is told, and so is a reader who listens. */
  settle() {
    this.keep();
    this.traits.tell();
    this.spoken.textContent = this.angles.map((angle, i) => `${this.content.names[i]} at ${inWholeDegrees(angle)}°`).join(", ");
  }

  /** What is gone back to when a touch becomes a scroll. */
  keep() {
    this.kept = this.angles;
  }

  /** The kernel, or another view, has turned a circle. */
  hear() {
    this.keep();
    this.stale();
  }

  // ---- frames ----

  stale() {
    this.root.dataset.busy = "";
    this.frames.ask();
  }

  repaint() {
    this.theme = themeOf(this.root);
    this.pane.redraw();
    this.stale();
  }

  frame() {
    this.compute();
    this.pane.show(this.image);
    this.dials.forEach((dial, which) => dial.show(this.angles[which], this.rims[which]));
    codeOf(this.angles).forEach((entry, i) => (this.code[i].textContent = coordinate(entry)));
    delete this.root.dataset.busy;
    return false;
  }

  /** Decode what is not decoded yet: the images around a circle change only with the other one. */
  compute() {
    const [a, b] = this.angles;
    if (this.decoded?.[0] === a && this.decoded[1] === b) return;
    this.decoder.forward(codeOf([a, b]), this.image);
    if (this.decoded?.[1] !== b) Dial.stops.forEach((stop, i) => this.decoder.forward(codeOf([stop, b]), this.rims[0][i]));
    if (this.decoded?.[0] !== a) Dial.stops.forEach((stop, i) => this.decoder.forward(codeOf([a, stop]), this.rims[1][i]));
    this.decoded = [a, b];
  }

  close() {
    this.frames.close();
    this.traits.close();
    this.ending();
    this.root.remove();
    for (const part of [this.pane, ...this.dials]) part.close();
  }
}

export default { render: rendering("clock-dials", "clock", Clock) };
