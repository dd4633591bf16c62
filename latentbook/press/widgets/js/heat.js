// One metric over all cells: colours, the cell that is chosen in a ring, the best one with a star.

// Side of the map and of the rate plane, in units of the drawings: of phones' pixels, about.
const PLANE = 264;
const STAR = Array.from({ length: 10 }, (_, i) => {
  const [angle, radius] = [(Math.PI * i) / 5, i % 2 ? 0.42 : 1];
  return [radius * Math.sin(angle), -radius * Math.cos(angle)].map((at) => at.toFixed(3)).join();
}).join(" ");

/** A star with its middle at a place. */
export const starAt = (x, y, size) => ({ transform: `translate(${x} ${y}) scale(${size})`, visibility: "visible" });
export const star = () => draw("polygon", { class: "best", points: STAR, visibility: "hidden" });

/** The star among words. */
export function starIcon() {
  const shape = draw("polygon", { class: "best", points: STAR });
  return draw("svg", { class: "star", viewBox: "-1.3 -1.3 2.6 2.6", "aria-hidden": "true" }, shape);
}

/** Stripes where a training failed. */
export function stripes() {
  const place = { width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  const stripe = draw("rect", { class: "stripe", width: 1.2, height: 5 });
  return draw("defs", {}, draw("pattern", { id: "failed", ...place }, stripe));
}

/** The map: a square for each cell, β₂ to the right and β₁ upwards, in which pointer and keys choose. */
export class HeatMap {
  /** @param {[number[], number[]]} betas @param {object} view  What cells are chosen in. */
  constructor(betas, view) {
    Object.assign(this, { betas, view, counts: betas.map((weights) => weights.length) });
    const [rows, columns] = this.counts;
    Object.assign(this, { wide: PLANE / columns, high: PLANE / rows });
    this.cells = betas[0].map((_, row) => betas[1].map((_, column) => this.box([row, column], "cell", 0.5)));
    this.star = star();
    this.rings = ["hovered", "halo", "ring"].map((kind) => draw("rect", { class: kind, rx: 2 }));
    // Readers who listen walk from the top down, as the rows are seen.
    const lines = this.cells.map((line) => draw("g", { role: "row" }, ...line)).reverse();
    const focus = draw("rect", { class: "focus", x: ROOM.left - 5, y: ROOM.top - 5, width: PLANE + 10, height: PLANE + 10, rx: 4 });
    const decor = draw("g", { "aria-hidden": "true" }, ...this.axes(), focus, this.star, ...this.rings);
    this.svg = draw("svg", { class: "heat", viewBox: viewBox(PLANE), role: "grid", tabindex: 0 }, stripes(), ...lines, decor);
    // A key may be let go elsewhere.
    set(this.svg, { keydown: (event) => this.press(event), keyup: () => view.settle(), blur: () => view.settle() });
    pickable(this.svg, (x, y) => this.cellAt(x, y), view);
  }

  /** Left and upper edge of a cell. */
  corner([row, column]) {
    return [ROOM.left + column * this.wide, ROOM.top + PLANE - (row + 1) * this.high];
  }

  frame(cell, inset) {
    const [x, y] = this.corner(cell);
    return { x: x + inset, y: y + inset, width: this.wide - 2 * inset, height: this.high - 2 * inset };
  }

  box(cell, kind, inset) {
    return draw("rect", { class: kind, role: "gridcell", id: `cell-${cell.join("-")}`, ...this.frame(cell, inset) });
  }

  cellAt(x, y) {
    const row = Math.floor((ROOM.top + PLANE - y) / this.high);
    const column = Math.floor((x - ROOM.left) / this.wide);
    return this.cells[row]?.[column] ? [row, column] : null;
  }

  axes() {
    const middle = (cell) => this.corner(cell).map((at, axis) => at + [this.wide, this.high][axis] / 2);
    const [rows, columns] = this.counts.map(namedStops);
    return [
      ...rows.map((row) => label(inShort(this.betas[0][row]), ROOM.left - 8, middle([row, 0])[1] + 4, "end")),
      ...columns.map((column) => label(inShort(this.betas[1][column]), middle([0, column])[0], ROOM.top + PLANE + 16, "middle")),
      ...axisNames(PLANE, "β₂, the top layer", "β₁, next to the data"),
    ];
  }

  press(event) {
    const cell = cellAfter(event.key, this.view.cell, this.counts);
    if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.view.choose(cell);
  }

  /** Colour the cells. @param {{label: string, unit: string, values: Values}} metric @param {[number, number] | null} best */
  paint({ label, unit, values }, best) {
    const span = spanOf(values);
    this.each((cell, [row, column]) => {
      const value = values[row][column];
      cell.style.fill = value === null ? "url(#failed)" : colourOf(shareOf(value, span));
      const said = value === null ? "no value, the training failed" : inUnits(value, unit);
      const mark = sameCell([row, column], best) ? ", the best" : "";
      set(cell, { "aria-label": `β₁ = ${inShort(this.betas[0][row])}, β₂ = ${inShort(this.betas[1][column])}: ${said}${mark}` });
    });
    set(this.svg, { "aria-label": `${label} of all cells` });
    const [x, y] = best ? this.corner(best) : [];
    const size = Math.min(0.32 * this.wide, 0.32 * this.high, 8);
    set(this.star, best ? starAt(x + this.wide / 2, y + this.high / 2, size) : { visibility: "hidden" });
  }

  each(change) {
    this.cells.forEach((line, row) => line.forEach((cell, column) => change(cell, [row, column])));
  }

  /** Ring the cell under the pointer. @param {[number, number] | null} cell */
  hover(cell) {
    set(this.rings[0], cell ? { ...this.frame(cell, 0.5), visibility: "visible" } : { visibility: "hidden" });
  }

  /** Ring the cell that is chosen. @param {[number, number]} cell */
  show(cell) {
    for (const rect of this.rings.slice(1)) set(rect, this.frame(cell, -0.5));
    this.each((box, at) => set(box, { "aria-selected": String(sameCell(at, cell)) }));
    set(this.svg, { "aria-activedescendant": `cell-${cell.join("-")}` });
  }
}

/** Which colours mean how much, and where the cell that is looked at lies among them. */
export class Legend {
  constructor() {
    this.ends = [make("span"), make("span")];
    this.mark = make("i");
    this.bar = make("span", { class: "bar" }, this.mark);
    this.bar.style.background = `linear-gradient(to right, ${MAGNITUDE.join()})`;
    this.element = make("div", { class: "legend", role: "img" }, this.ends[0], this.bar, this.ends[1]);
  }

  /** @param {{label: string, unit: string, values: Values}} metric @param {number | null} value */
  show({ label, unit, values }, value) {
    const span = spanOf(values);
    const words = [inUnits(span[0]), inUnits(span[1], unit)];
    words.forEach((said, end) => (this.ends[end].textContent = said));
    set(this.element, { "aria-label": `Colours: ${label} from ${words.join(" to ")}` });
    this.mark.style.left = `${100 * shareOf(value ?? 0, span)}%`;
    this.mark.hidden = value === null;
  }
}
