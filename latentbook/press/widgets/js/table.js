// All metrics of one cell: values, and where each lies between the lowest and the highest of all cells.

export class MetricTable {
  /** @param {{name: string, label: string, unit: string, larger: boolean | null, values: Values}[]} metrics */
  constructor(metrics) {
    this.rows = metrics.map((metric) => new MetricRow(metric));
    this.caption = make("caption");
    this.element = make("table", {}, this.caption, make("tbody", {}, ...this.rows.map((row) => row.element)));
  }

  /** @param {[number, number]} cell @param {string} name  Of the metric that colours the cells. @param {string} words  What the cell is. */
  show(cell, name, words) {
    this.caption.textContent = words;
    for (const row of this.rows) row.show(cell, name);
  }
}

class MetricRow {
  constructor(metric) {
    Object.assign(this, { metric, span: spanOf(metric.values), best: bestOf(metric.values, metric.larger) });
    this.value = make("span");
    this.star = starIcon();
    this.mark = make("i");
    const bar = make("span", { class: "range", "aria-hidden": "true" }, this.mark);
    const title = `from ${inUnits(this.span[0])} to ${inUnits(this.span[1], metric.unit)} over all cells`;
    const name = make("th", { scope: "row" }, metric.label);
    this.element = make("tr", { title }, name, make("td", {}, this.star, this.value), make("td", {}, bar));
  }

  show([row, column], name) {
    const { metric, span, best } = this;
    const value = metric.values[row][column];
    this.value.textContent = value === null ? "failed" : inUnits(value, metric.unit);
    this.star.style.visibility = sameCell([row, column], best) ? "" : "hidden";
    this.mark.hidden = value === null;
    this.mark.style.left = `${100 * shareOf(value ?? 0, span)}%`;
    this.element.toggleAttribute("data-failed", value === null);
    this.element.toggleAttribute("data-active", metric.name === name);
  }
}
