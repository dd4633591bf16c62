// The area scale of a member as shades of its plane: coarse ones at once, fine ones when there is time.

// Shades along a side, and milliseconds of a frame that may go into them.
const SHADES = 40;
const FOR_SHADES = 10;

/** The logarithms of √det G on a grid, and their colours. */
export class Shades {
  /** @param {Fields} fields @param {number} milliseconds  That one member's shades take to turn into another's. */
  constructor(fields, milliseconds) {
    Object.assign(this, { fields, members: fields.members });
    this.cells = cellCentres(fields.extent, SHADES);
    this.fine = this.members.map(() => ({ levels: new Float64Array(SHADES * SHADES), done: 0 }));
    this.easing = new Easing(milliseconds);
    /** What is to be seen now; null: nothing. @type {ArrayLike<number> | null} */
    this.levels = null;
  }

  hide() {
    this.levels = this.goal = null;
  }

  /**
   * Go on towards a member's shades; return whether there is more to do.
   * @param {number} index
   * @param {number} now
   * @param {boolean} busy  Whether something else needs the frame: then what there is has to do.
   */
  show(index, now, busy) {
    if (!busy) this.advance(index, FOR_SHADES);
    const goal = this.isFine(index) ? this.fine[index].levels : this.coarse(index);
    if (goal !== this.goal) this.turnTo(goal, index);
    const share = this.before ? this.easing.share(now) : 1;
    this.levels = share < 1 ? between(this.before, goal, share) : goal;
    return share < 1 || !this.isFine(index);
  }

  // What gets finer does so at once: it is the same but for details.
  turnTo(goal, index) {
    if (this.index !== index || !this.goal) {
      this.before = this.levels;
      this.easing.start();
    }
    Object.assign(this, { goal, index });
  }

  isFine(index) {
    return this.fine[index].done === this.cells.length;
  }

  /** Levels between those that the grid of ellipses has, which are known or soon computed. */
  coarse(index) {
    if (this.rough?.index !== index) {
      const levels = this.fields.metrics(index).map((metric) => Math.log(magnification(metric)));
      this.rough = { index, levels: enlarged(levels, SHADES) };
    }
    return this.rough.levels;
  }

  /** Compute fine shades for so long; return whether there are more. @param {number} index @param {number} milliseconds */
  advance(index, milliseconds) {
    const { ruler } = this.members[index];
    const field = this.fine[index];
    const until = performance.now() + milliseconds;
    while (!this.isFine(index) && performance.now() < until) {
      field.levels[field.done] = Math.log(magnification(ruler.at(this.cells[field.done])));
      field.done++;
    }
    return !this.isFine(index);
  }

  /** The lowest and highest logarithm of the area scale, but for a few, at codes of all members. */
  get span() {
    return (this.range ??= this.findSpan());
  }

  findSpan() {
    const { circled, cells } = this.fields;
    const places = (member) => (circled.length ? circled.map((index) => member.codeOf(index)) : cells);
    const levels = this.members.flatMap((member) => places(member).map((at) => Math.log(magnification(member.ruler.at(at)))));
    const sorted = levels.filter(Number.isFinite).sort((a, b) => a - b);
    if (!sorted.length) return [-1, 1];
    const [low, high] = [0.02, 0.98].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
    // A plane of one scale has a middle colour.
    return high - low > 1e-3 ? [low, high] : [low - 0.5, high + 0.5];
  }

  /**
   * Paint shades into a small canvas, which the plane enlarges.
   * @param {string[]} colours  From the lowest to the highest.
   * @returns {HTMLCanvasElement}
   */
  paint(colours) {
    const { levels } = this;
    if (this.painted === levels) return this.canvas;
    this.painted = levels;
    this.canvas ??= make("canvas", { width: SHADES, height: SHADES });
    this.table ??= tableOf(colours.map(parseColour));
    const image = new ImageData(SHADES, SHADES);
    const [low, high] = this.span;
    const last = this.table.length - 1;
    levels.forEach((level, cell) => {
      const share = Math.min(Math.max((level - low) / (high - low) || 0, 0), 1);
      image.data.set(this.table[Math.round(share * last)], 4 * cell);
    });
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    return this.canvas;
  }
}

/** A square of numbers as one with more of them along a side, by bilinear interpolation between the middles of cells. */
export function enlarged(values, count) {
  const side = Math.sqrt(values.length);
  const places = Array.from({ length: count }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * side) / count - 0.5, 0), side - 1);
    const before = Math.min(Math.floor(place), side - 2);
    return [before, place - before];
  });
  return Float64Array.from(places.flatMap(([row, down]) => places.map(([column, right]) => {
    const along = (line) => between(values[line * side + column], values[line * side + column + 1], right);
    return between(along(row), along(row + 1), down);
  })));
}
