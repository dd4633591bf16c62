// The slider for κ: from 0 to 1 evenly in √κ, from there to 1,000 evenly in log κ, with 0, 1, 10, 100 and 1,000 at equal steps.

// Stops from one named value to the next.
const FINE = 80;
const NAMED = [0, 1, 10, 100, 1000];
const LAST = FINE * (NAMED.length - 1);

/** The concentration at a stop, in three figures. @param {number} stop */
export function concentrationAt(stop) {
  const place = stop / FINE;
  return Number((place < 1 ? place ** 2 : 10 ** (place - 1)).toPrecision(3));
}

/** The stop nearest to a concentration. @param {number} kappa */
export function stopOf(kappa) {
  const place = kappa < 1 ? Math.sqrt(kappa) : 1 + Math.log10(kappa);
  return Math.min(Math.round(FINE * place), LAST);
}

/** The named value after or before a concentration; the last one of that way beyond. */
export function namedBeside(kappa, up) {
  const beside = up ? NAMED.find((value) => value > kappa) : NAMED.findLast((value) => value < kappa);
  return beside ?? NAMED.at(up ? -1 : 0);
}

export class ConcentrationSlider {
  /** @param {(kappa: number) => void} choose @param {() => void} settle */
  constructor(choose, settle) {
    this.choose = (kappa) => {
      choose(kappa);
      settle();
      this.input.focus();
    };
    this.input = make("input", { type: "range", min: 0, max: LAST, step: 1, "aria-label": "concentration κ" });
    set(this.input, { input: () => choose(concentrationAt(this.input.value)), change: settle, keydown: (event) => this.key(event) });
    // A finger that lands here to scroll has moved the thumb before the browser takes the touch over: it goes back.
    set(this.input, { pointerdown: () => (this.before = this.shown), pointercancel: () => choose(this.before) });
    this.value = make("span", { class: "value" });
    this.words = make("span", { class: "words" });
    this.ticks = NAMED.map((value) => tickOf(value.toLocaleString("en"), () => this.choose(value)));
    const head = make("div", { class: "head" }, make("span", {}, "κ = ", this.value), this.words);
    this.element = make("div", { class: "slider" }, head, this.input, make("div", { class: "ticks" }, ...this.ticks));
  }

  /** Pages go from one named value to the next. */
  key(event) {
    if (event.key !== "PageUp" && event.key !== "PageDown") return;
    event.preventDefault();
    this.choose(namedBeside(this.shown, event.key === "PageUp"));
  }

  /** @param {number} kappa @param {string} words  What it means. @param {boolean} matters */
  show(kappa, words, matters) {
    this.shown = kappa;
    this.input.value = stopOf(kappa);
    this.input.disabled = !matters;
    this.element.classList.toggle("idle", !matters);
    this.value.textContent = exactly(kappa);
    this.words.textContent = words;
    set(this.input, { "aria-valuetext": `κ = ${exactly(kappa)}. ${words}` });
    this.ticks.forEach((tick, which) => tick.toggleAttribute("data-active", matters && NAMED[which] === kappa));
  }
}

/** A number of any size and sign in three significant figures. */
export function exactly(value) {
  const sign = value < 0 ? "−" : "";
  const size = Number(Math.abs(value).toPrecision(3));
  if (size === 0 || size >= 1e-2) return sign + (size === 0 ? "0" : inFigures(size));
  const [digits, power] = size.toExponential(2).split("e-");
  return `${sign}${digits} × 10⁻${superscript(power)}`;
}
