// What a member has all over its plane: ellipses on a grid and at codes, and the area scale as shades.

// Ellipses along a side of the grid, codes that have one, shades along a side.
const GRID = 15;
const CIRCLED = 36;
const SHADES = 40;
// A cell of the grid without a code within so many cells is extrapolated: its ellipse is drawn faint.
const BEYOND = 1.2;

/** @typedef {{at: Point, shape: Symmetric | null, faint: boolean}} Oval */

/** Computes the fields of each member once. */
export class Fields {
  /** @param {Member[]} members @param {{plane: {centre: Point, reach: number}, radius: number}} content @param {number} shown */
  constructor(members, content, shown) {
    Object.assign(this, { members, extent: content.plane, radius: content.radius });
    this.cells = cellCentres(this.extent, GRID);
    // The same examples in every member, so that each ellipse goes with its own.
    this.circled = spreadOut(members[shown].codes, CIRCLED);
    this.known = { grid: [], codes: [] };
    this.shades = members.map(() => ({ levels: new Float64Array(SHADES * SHADES), done: 0 }));
    this.shadeCells = cellCentres(this.extent, SHADES);
  }

  /** @param {"none" | "grid" | "codes"} kind @param {number} index  Of the member. @returns {Oval[]} */
  ellipses(kind, index) {
    if (kind === "none") return [];
    return (this.known[kind][index] ??= kind === "grid" ? this.onGrid(this.members[index]) : this.atCodes(this.members[index]));
  }

  onGrid(member) {
    const far = (BEYOND * 2 * this.extent.reach) / GRID;
    const isFar = (at) => member.codes.length > 0 && nearest(member.codes, at).distance > far;
    return this.cells.map((at) => ({ at, shape: ellipseOf(member.ruler.at(at), this.radius), faint: isFar(at) }));
  }

  atCodes(member) {
    const places = this.circled.map((index) => member.codeOf(index));
    return places.map((at) => ({ at, shape: ellipseOf(member.ruler.at(at), this.radius), faint: false }));
  }

  /**
   * Go on computing a member's shades, the logarithms of √det G, for so long; return whether there are more.
   * @param {number} index
   * @param {number} milliseconds
   */
  advance(index, milliseconds) {
    const { ruler } = this.members[index];
    const field = this.shades[index];
    const until = performance.now() + milliseconds;
    while (field.done < field.levels.length && performance.now() < until) {
      field.levels[field.done] = Math.log(magnification(ruler.at(this.shadeCells[field.done])));
      field.done++;
    }
    return field.done < field.levels.length;
  }

  /** The lowest and highest logarithm of the area scale, but for a few, at codes of all members. */
  get span() {
    return (this.range ??= this.findSpan());
  }

  findSpan() {
    const places = (member) => (this.circled.length ? this.circled.map((index) => member.codeOf(index)) : this.cells);
    const levels = this.members.flatMap((member) => places(member).map((at) => Math.log(magnification(member.ruler.at(at)))));
    const sorted = levels.filter(Number.isFinite).sort((a, b) => a - b);
    if (!sorted.length) return [-1, 1];
    const [low, high] = [0.02, 0.98].map((share) => sorted[Math.round(share * (sorted.length - 1))]);
    // A plane of one scale has a middle colour.
    return high - low > 1e-3 ? [low, high] : [low - 0.5, high + 0.5];
  }

  /**
   * Paint shades into a small canvas, which the plane enlarges.
   * @param {ArrayLike<number>} levels
   * @param {string[]} colours  From the lowest to the highest.
   * @returns {HTMLCanvasElement}
   */
  paintShades(levels, colours) {
    if (this.painted === levels) return this.canvas;
    this.painted = levels;
    this.canvas ??= make("canvas", { width: SHADES, height: SHADES });
    const context = this.canvas.getContext("2d");
    const stops = colours.map(parseColour);
    const image = new ImageData(SHADES, SHADES);
    const [low, high] = this.span;
    for (let cell = 0; cell < levels.length; cell++)
      image.data.set([...blend(stops, (levels[cell] - low) / (high - low)), 255], 4 * cell);
    context.putImageData(image, 0, 0);
    return this.canvas;
  }
}

/** The ovals on the way from those of one member to those of another. */
export function betweenOvals(from, to, share) {
  if (share === 1 || from.length !== to.length) return to;
  return to.map((oval, i) => ({
    at: between(from[i].at, oval.at, share),
    shape: betweenEllipses(from[i].shape, oval.shape, share),
    faint: oval.faint,
  }));
}

/** Indices of points that are far from each other: each the farthest from those before it (Gonzalez 1985). */
export function spreadOut(codes, count) {
  const total = codes.length / 2;
  const chosen = total ? [0] : [];
  const away = new Float64Array(total).fill(Infinity);
  while (chosen.length < Math.min(count, total)) {
    const last = chosen.at(-1);
    for (let i = 0; i < total; i++)
      away[i] = Math.min(away[i], Math.hypot(codes[2 * i] - codes[2 * last], codes[2 * i + 1] - codes[2 * last + 1]));
    chosen.push(away.indexOf(Math.max(...away)));
  }
  return chosen;
}

const parseColour = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function blend(stops, share) {
  const place = Math.min(Math.max(share || 0, 0), 1) * (stops.length - 1);
  const before = Math.min(Math.floor(place), stops.length - 2);
  return between(stops[before], stops[before + 1], place - before);
}
