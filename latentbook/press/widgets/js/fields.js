// What a member has all over its plane: ellipses on a grid and at codes, and where its classes are.

// Ellipses along a side of the grid, codes that have one.
const GRID = 15;
const CIRCLED = 36;
// A cell of the grid without a code within so many cells is extrapolated: its ellipse is drawn faint.
const BEYOND = 1.2;

/** @typedef {{at: Point, shape: Symmetric | null, faint: boolean}} Oval */

/** Computes the fields of each member once. */
export class Fields {
  /** @param {Member[]} members @param {object} content @param {Uint8Array} labels @param {number} shown  Index of a member. */
  constructor(members, content, labels, shown) {
    Object.assign(this, { members, labels, extent: content.plane, radius: content.radius, classes: content.classes });
    this.cells = cellCentres(this.extent, GRID);
    // The same examples in every member, so that each ellipse goes with its own.
    this.circled = spreadOut(members[shown].codes, CIRCLED);
    this.known = { grid: [], codes: [], metrics: [], middles: [] };
  }

  /** @param {"none" | "grid" | "codes"} kind @param {number} index  Of the member. @returns {Oval[]} */
  ellipses(kind, index) {
    if (kind === "none") return [];
    return (this.known[kind][index] ??= kind === "grid" ? this.onGrid(index) : this.atCodes(this.members[index]));
  }

  /** Metrics at the cells of the grid. @param {number} index @returns {Symmetric[]} */
  metrics(index) {
    return (this.known.metrics[index] ??= this.cells.map((at) => this.members[index].ruler.at(at)));
  }

  /** Where the middle of each class is, for its name; null for one without points. @param {number} index @returns {(Point | null)[]} */
  middles(index) {
    const find = (_, which) => medianOf(this.members[index].codes, (point) => this.labels[point] === which);
    return (this.known.middles[index] ??= this.classes.map(find));
  }

  onGrid(index) {
    const member = this.members[index];
    const metrics = this.metrics(index);
    const far = (BEYOND * 2 * this.extent.reach) / GRID;
    const isFar = (at) => member.codes.length > 0 && nearest(member.codes, at).distance > far;
    return this.cells.map((at, cell) => ({ at, shape: ellipseOf(metrics[cell], this.radius), faint: isFar(at) }));
  }

  atCodes(member) {
    const places = this.circled.map((index) => member.codeOf(index));
    return places.map((at) => ({ at, shape: ellipseOf(member.ruler.at(at), this.radius), faint: false }));
  }
}

/**
 * @typedef {object} Scene  What stands where in the plane.
 * @property {ArrayLike<number>} codes
 * @property {(Point | null)[]} middles  Of the classes.
 * @property {Record<string, Point>} points  The handles.
 * @property {Oval[]} ovals
 * @property {Point[]} curve
 */

/** What stands where on the way from one member to another. @param {Scene} from @param {Scene} to @param {number} share @returns {Scene} */
export function betweenScenes(from, to, share) {
  const points = Object.entries(to.points).map(([name, point]) => [name, between(from.points[name], point, share)]);
  return {
    codes: between(from.codes, to.codes, share),
    middles: to.middles.map((middle, which) => middle && between(from.middles[which], middle, share)),
    points: Object.fromEntries(points),
    ovals: betweenOvals(from.ovals, to.ovals, share),
    curve: to.curve.map((point, i) => between(from.curve[i], point, share)),
  };
}

function betweenOvals(from, to, share) {
  if (from.length !== to.length) return to;
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

/** The middle of some of the points: half of them are on either side, along both axes. */
function medianOf(codes, belongs) {
  const own = Array.from({ length: codes.length / 2 }, (_, index) => index).filter(belongs);
  if (!own.length) return null;
  return [0, 1].map((axis) => {
    const sorted = own.map((index) => codes[2 * index + axis]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  });
}
