// The plane of a hierarchy's two rates: its axes, and the diagonals on which they add up to the same.

// Room around the plane for its axes.
const ROOM = { left: 54, right: 10, top: 10, bottom: 40 };

/** The plane with nothing in it yet. */
export class RateFrame {
  /**
   * @param {number} side  Of the plane, in units of the drawing.
   * @param {[number, number]} reach  How far the axes go, across and up, in nats.
   * @param {[number, number]} steps  From one tick of an axis to the next.
   * @param {[string, string]} names  Of the two rates.
   */
  constructor(side, reach, steps, names = ["R(z₂)", "R(z₁ | z₂)"]) {
    Object.assign(this, { side, reach, steps, names });
    this.svg = draw("svg", { viewBox: viewBox(side), role: "img" }, ...this.totals(), ...this.axes());
  }

  place([R2, R1]) {
    return [ROOM.left + (this.side * R2) / this.reach[0], ROOM.top + this.side * (1 - R1 / this.reach[1])];
  }

  totals() {
    const [along, up] = this.reach;
    const sums = multiples(Math.max(...this.steps), along + up).slice(1);
    return sums.map((sum) => this.line([Math.max(0, sum - up), Math.min(sum, up)], [Math.min(sum, along), Math.max(0, sum - along)], "total"));
  }

  axes() {
    const [ends, heights] = this.reach.map((reach, axis) => multiples(this.steps[axis], reach));
    const [x0, y0] = this.place([0, 0]);
    const marks = [
      ...ends.map((tick) => label(tick, this.place([tick, 0])[0], y0 + 16, "middle")),
      ...heights.map((tick) => label(tick, x0 - 8, this.place([0, tick])[1] + 4, "end")),
    ];
    const frame = [this.line([0, 0], [this.reach[0], 0], "axis"), this.line([0, 0], [0, this.reach[1]], "axis")];
    return [...frame, ...marks, ...axisNames(this.side, ...this.names.map((name) => `${name}, nats`))];
  }

  line(from, to, kind) {
    const [[x1, y1], [x2, y2]] = [this.place(from), this.place(to)];
    return draw("line", { class: kind, x1, y1, x2, y2 });
  }
}

/** What a square of this side and its axes take. */
export const viewBox = (side) => `0 0 ${ROOM.left + side + ROOM.right} ${ROOM.top + side + ROOM.bottom}`;

/** Words in a drawing. */
export const label = (words, x, y, anchor) => draw("text", { x, y, "text-anchor": anchor }, String(words));

/** What stands below a square, and at its left. */
export function axisNames(side, below, beside) {
  const upright = label(beside, 0, 0, "middle");
  set(upright, { transform: `translate(11 ${ROOM.top + side / 2}) rotate(-90)` });
  return [label(below, ROOM.left + side / 2, ROOM.top + side + 35, "middle"), upright];
}

/** 0, one step, two steps, up to the reach. */
export const multiples = (step, reach) =>
  Array.from({ length: Math.floor(reach / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
