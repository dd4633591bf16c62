// The plane of the rates with a dot for each cell, joined where a weight stays.

// How far from a dot a pointer may be, in units of the drawing, and with how many dots they hide the lines between them.
const REACH = 16;
const MANY = 100;

/** The plane, whose dots are chosen as the cells of the map are. */
export class RateDots extends RateFrame {
  /**
   * @param {[Values, Values]} rates  Of the top layer and of the one next to the data.
   * @param {[string, string]} names  Of these.
   * @param {object} view  What cells are chosen in.
   */
  constructor(rates, names, view) {
    const reach = reachOf(rates);
    super(PLANE, reach, reach.map(tickStep), names);
    const [R2, R1] = rates;
    this.places = R2.map((line, row) => line.map((_, column) => this.placeOf(R2[row][column], R1[row][column])));
    this.columns = R2[0].map((_, column) => this.places.map((line) => line[column]));
    const net = [...this.places.map((line) => netOf(line, "below")), ...this.columns.map((line) => netOf(line, "above"))];
    this.lines = ["above", "below"].map((kind) => draw("path", { class: kind }));
    const many = this.places.flat().length > MANY;
    const radius = many ? 2.6 : 5;
    this.dots = this.places.map((line) => line.map((place) => place && draw("circle", { class: "cell", cx: place[0], cy: place[1], r: radius })));
    this.star = star();
    this.rings = ["hovered", "halo", "ring"].map((kind) => draw("circle", { class: kind, r: radius + 3 }));
    const dots = this.dots.flat().filter(Boolean);
    this.svg.append(stripes(), ...net, ...(many ? [...dots, ...this.lines] : [...this.lines, ...dots]), this.star, ...this.rings);
    set(this.svg, { class: many ? "dots many" : "dots" });
    pickable(this.svg, (x, y) => this.cellAt(x, y), view);
  }

  placeOf(R2, R1) {
    return R2 === null || R1 === null ? null : this.place([R2, R1]);
  }

  /** The cell whose dot is nearest, if one is near. */
  cellAt(x, y) {
    const near = this.places.flatMap((line, row) => line.map((place, column) =>
      ({ cell: [row, column], far: place ? Math.hypot(place[0] - x, place[1] - y) : Infinity })));
    const { cell, far } = near.reduce((one, other) => (other.far < one.far ? other : one));
    return far < REACH ? cell : null;
  }

  /** Colour the dots as the map is. @param {{values: Values}} metric @param {[number, number] | null} best */
  paint({ values }, best) {
    const span = spanOf(values);
    this.dots.forEach((line, row) => line.forEach((dot, column) => {
      const value = values[row][column];
      if (dot) dot.style.fill = value === null ? "url(#failed)" : colourOf(shareOf(value, span));
    }));
    const place = best && this.places[best[0]][best[1]];
    set(this.star, place ? starAt(...place, 6) : { visibility: "hidden" });
  }

  /** @param {[number, number] | null} cell  The one under the pointer. */
  hover(cell) {
    this.putAt(this.rings[0], cell && this.places[cell[0]][cell[1]]);
  }

  /** @param {[number, number]} cell  The one that is chosen. @param {string} words  Its rates. */
  show([row, column], words) {
    const [above, below] = this.lines;
    set(above, { d: pathOf(this.columns[column]) });
    set(below, { d: pathOf(this.places[row]) });
    for (const ring of this.rings.slice(1)) this.putAt(ring, this.places[row][column]);
    set(this.svg, { "aria-label": `The rate plane: ${words}` });
  }

  putAt(ring, place) {
    set(ring, place ? { cx: place[0], cy: place[1], visibility: "visible" } : { visibility: "hidden" });
  }
}

const netOf = (places, kind) => draw("path", { class: `net ${kind}`, d: pathOf(places) });

/** A line through places, with a gap where there is none. */
export const pathOf = (places) =>
  places.map((place, i) => (place ? `${places[i - 1] ? "L" : "M"}${place.map((at) => at.toFixed(1)).join()}` : "")).join("");
