// The pad: where the reader draws what goes into the encoder, by pointer, finger or keys.

const PEN = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// A key moves the pen by one of so many parts of the pad; a line is so thick.
const STRIDES = 24;
const THICK = 1 / 10;
// So long after the last stroke the pad shows what became of them; there may be one more to come.
const PATIENCE = 1500;

const inside = (value) => Math.min(Math.max(value, 0), 1);

export class Pad {
  /**
   * @param {Painter} painter
   * @param {((strokes: Point[][]) => Float64Array) | null} reduce  What makes an example of a drawing; null: nothing is drawn.
   * @param {{change: (example: Float64Array | null) => void, settle: () => void}} listener
   */
  constructor(painter, reduce, listener) {
    this.reduce = reduce;
    this.listener = listener;
    this.painter = painter;
    this.strokes = [];
    this.pen = { at: [0.5, 0.3], down: false, shown: false };
    this.pane = new Pane(painter, "the image that goes in");
    this.ink = new Sheet({ class: "ink", "aria-hidden": "true" }, () => this.paint());
    this.hint = make("span", { class: "hint" });
    this.said = make("output", { class: "said", "aria-live": "polite" });
    this.element = make("div", { class: "pad" }, this.pane.element, this.ink.element, this.hint, this.said);
    if (reduce) this.listen();
  }

  listen() {
    this.element.classList.add("drawable");
    set(this.element, {
      tabindex: 0,
      role: "application",
      "aria-label": "Drawing pad. Arrow keys move the pen, space puts it down and lifts it, delete starts again.",
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.follow(event),
      pointerup: (event) => this.lift(event),
      pointercancel: (event) => this.lift(event),
      keydown: (event) => this.key(event),
      blur: () => this.rest(),
    });
  }

  /** Show an example that was not drawn. @param {ArrayLike<number> | null} values @param {string} words  Where there is none. */
  show(values, words = "") {
    this.strokes = [];
    this.pen.down = this.drawing = false;
    this.reveal(values);
    this.hint.textContent = values ? "" : words;
  }

  /** Show an example in the place of the hand's lines. */
  reveal(values) {
    clearTimeout(this.patience);
    this.handwriting = false;
    this.example = values;
    this.pane.show(values);
    this.element.classList.toggle("empty", !values);
    this.paint();
  }

  where({ clientX, clientY }) {
    const box = this.element.getBoundingClientRect();
    // What is drawn beyond the edge would not be seen, and yet be encoded.
    return [inside((clientX - box.left) / box.width), inside((clientY - box.top) / box.height)];
  }

  press(event) {
    if (event.button > 0 || this.drawing) return;
    if (event.isTrusted) this.element.setPointerCapture(event.pointerId);
    Object.assign(this, { drawing: true, pointer: event.pointerId });
    this.begin(this.where(event));
  }

  follow(event) {
    if (!this.isDrawing(event)) return;
    // A fast hand makes several points between two frames.
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const point of passed.length ? passed : [event]) this.strokes.at(-1).push(this.where(point));
    this.update();
  }

  /** Whether an event is of the pointer that draws: a second finger does nothing. */
  isDrawing({ pointerId }) {
    return this.drawing && this.pointer === pointerId;
  }

  lift(event) {
    if (!this.isDrawing(event)) return;
    this.drawing = false;
    this.wait();
    this.listener.settle();
  }

  wait() {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.reveal(this.example), PATIENCE);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = PEN[event.key];
    if (way) this.stride(way);
    else if (event.key === " ") this.toggle();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else return;
    event.preventDefault();
  }

  stride(way) {
    this.pen.at = this.pen.at.map((value, axis) => inside(value + way[axis] / STRIDES));
    this.pen.shown = true;
    this.say();
    if (this.pen.down) {
      this.strokes.at(-1).push(this.pen.at);
      this.update();
    } else this.paint();
  }

  /** Where the pen is, for who does not see it. */
  say(before = "") {
    const [column, row] = this.pen.at.map((value) => Math.round(STRIDES * value));
    this.said.textContent = `${before}column ${column}, row ${row}`;
  }

  toggle() {
    this.pen.down = !this.pen.down;
    this.pen.shown = true;
    this.say(this.pen.down ? "pen down, " : "pen up, ");
    if (this.pen.down) return this.begin(this.pen.at);
    this.wait();
    return this.listener.settle();
  }

  rest() {
    if (this.pen.down) this.wait();
    if (this.pen.down) this.listener.settle();
    Object.assign(this.pen, { down: false, shown: false });
    this.paint();
  }

  begin(point) {
    this.strokes.push([point]);
    this.update();
  }

  clear() {
    this.said.textContent = "empty";
    this.show(null);
    this.listener.change(null);
    this.listener.settle();
  }

  update() {
    clearTimeout(this.patience);
    this.hint.textContent = "";
    this.handwriting = true;
    this.element.classList.remove("empty");
    this.example = this.reduce(this.strokes);
    // While the hand moves, its own lines are seen; the example is brought to the data's size and place, and so lies elsewhere.
    this.pane.show(new Float64Array(this.example.length));
    this.paint();
    this.listener.change(this.example);
  }

  redraw() {
    this.pane.redraw();
    this.paint();
  }

  paint() {
    const context = this.ink.clear();
    const { width, height } = this.ink;
    Object.assign(context, { lineWidth: THICK * width, lineJoin: "round", lineCap: "round" });
    context.strokeStyle = this.painter.colours().ink;
    if (this.handwriting) for (const stroke of this.strokes) this.paintStroke(context, stroke, width, height);
    if (this.pen.shown) this.paintPen(context, width, height);
  }

  paintStroke(context, stroke, width, height) {
    context.beginPath();
    for (const [x, y] of stroke) context.lineTo(x * width, y * height);
    // A line of no length is not drawn; a dot is one.
    if (stroke.length === 1) context.lineTo(stroke[0][0] * width + 0.01, stroke[0][1] * height);
    context.stroke();
  }

  paintPen(context, width, height) {
    Object.assign(context, { lineWidth: 2, strokeStyle: this.painter.colours().accent });
    context.beginPath();
    context.arc(this.pen.at[0] * width, this.pen.at[1] * height, this.pen.down ? 3 : 6, 0, 2 * Math.PI);
    context.stroke();
  }

  close() {
    clearTimeout(this.patience);
    this.pane.close();
    this.ink.close();
  }
}
