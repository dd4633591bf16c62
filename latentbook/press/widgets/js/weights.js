// Weights of a hierarchy's rates: how they are written, which of them are named, and the slider that chooses one.

// Values that stand below a slider or beside an axis at most, and stops that a slider marks at most.
const NAMED = 9;
const MARKED = 25;

/** A weight in two figures, as ticks have it. */
export const inShort = (value) => String(Number(value.toPrecision(2)));

/** The stop nearest to a weight, as an index; nearness is a matter of ratios. @param {number[]} stops @param {number} weight */
export function nearestStop(stops, weight) {
  const distances = stops.map((stop) => Math.abs(Math.log(weight / stop)));
  return distances.indexOf(Math.min(...distances));
}

/** Which of so many stops are named: equally far from each other, both ends, and the middle where that can be. @returns {number[]} */
export function namedStops(count) {
  const last = count - 1;
  const steps = Array.from({ length: last }, (_, i) => i + 1).filter((step) => last % step === 0 && last / step < NAMED);
  const step = steps.find((one) => (last / one) % 2 === 0) ?? steps[0] ?? 1;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

/** A slider for a weight: its value, what it weighs, and its stops, if they can be told apart. */
export class WeightSlider {
  /** @param {string} name @param {string} words @param {number[]} stops @param {(value: number) => void} choose @param {() => void} settle */
  constructor(name, words, stops, choose, settle) {
    Object.assign(this, { name, stops });
    this.input = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1, "aria-label": `${name}, ${words}` });
    set(this.input, { input: () => choose(stops[this.input.value]), change: settle });
    // A finger that lands here to scroll has moved the thumb before the browser takes the touch over: it goes back.
    set(this.input, { pointerdown: () => (this.before = this.shown), pointercancel: () => choose(this.before) });
    this.value = make("span", { class: "value" });
    const head = make("div", { class: "head" }, make("span", {}, `${name} = `, this.value), make("span", {}, words));
    this.element = make("div", { class: "slider" }, head, this.input);
    if (stops.length <= MARKED) this.element.append(...this.marks(choose, settle));
  }

  marks(choose, settle) {
    const click = (value) => () => {
      choose(value);
      settle();
      this.input.focus();
    };
    this.named = namedStops(this.stops.length).map((index) => this.stops[index]);
    this.ticks = this.named.map((value) => tickOf(inShort(value), click(value)));
    return [
      make("div", { class: "stops", "aria-hidden": "true" }, ...this.stops.map(() => make("i"))),
      make("div", { class: "ticks" }, ...this.ticks),
    ];
  }

  show(value) {
    this.shown = value;
    this.input.value = nearestStop(this.stops, value);
    this.value.textContent = inFigures(value);
    set(this.input, { "aria-valuetext": `${this.name} = ${inFigures(value)}` });
    this.ticks?.forEach((tick, which) => tick.toggleAttribute("data-active", this.named[which] === value));
  }
}
