// What is said of the probe: where it is, what the metric is there, what went in and what came out.

const NOTHING = "–";

export class Readout {
  /** @param {boolean} encodes  Whether anything goes in. */
  constructor(encodes) {
    this.cells = {};
    const place = [["point", "z", "code"]];
    const shape = [
      ["scale", "area √det G", "by how much the decoder enlarges areas here"],
      ["condition", "condition κ", "1 for a circle"],
    ];
    const answer = [
      ["spread", "encoder ±", "standard deviations of its answer"],
      ["error", "error", "mean squared error of a value"],
    ];
    const lines = [place, shape, ...(encodes ? [answer] : [])];
    this.list = make("div", { class: "numbers" }, ...lines.map((line) => make("dl", {}, ...line.map((row) => this.row(...row)))));
    this.input = make("span", {});
    this.output = make("span", {});
    this.spoken = make("output", { class: "spoken", "aria-live": "polite" });
  }

  row(name, sign, meaning) {
    this.cells[name] = make("dd", {}, NOTHING);
    return make("div", {}, make("dt", { title: meaning }, sign), this.cells[name]);
  }

  /**
   * @param {object} probe
   * @param {Point} probe.code
   * @param {Symmetric} probe.metric
   * @param {[number, number] | null} probe.spread  Standard deviations along the latents.
   * @param {number | null} probe.error
   */
  show({ code, metric, spread, error }) {
    this.say("point", code.map(coordinate).join(", "));
    this.say("scale", inFigures(magnification(metric)));
    this.say("condition", inFigures(conditionNumber(metric)));
    this.say("spread", spread ? spread.map(inFigures).join(", ") : NOTHING);
    this.say("error", error === null ? NOTHING : inFigures(error));
  }

  /** Name what goes in and what comes out. @param {string} source  Where the input is from; empty if there is none. @param {boolean} hovered */
  name(source, hovered) {
    this.input.textContent = source && `in: ${source}`;
    this.output.textContent = `out: ${hovered ? "at the pointer" : source ? "what comes back" : "at the ring"}`;
  }

  say(name, words) {
    if (this.cells[name]) this.cells[name].textContent = words;
  }

  /** What all of it is, in a sentence, for who cannot see it; said when the reader lets go. */
  tell(paths) {
    const { point, scale, condition } = this.cells;
    const input = this.input.textContent && `${this.input.textContent}, `;
    const numbers = `area scale ${scale.textContent}, condition number ${condition.textContent}`;
    const words = `${input}${this.output.textContent}, z = ${point.textContent}, ${numbers}. ${paths}.`;
    this.spoken.textContent = words;
  }
}

/** What the reader can do here, and what the drawing means. @param {object} content @param {Record<string, unknown>} can */
export function howTo({ radius, count, notes }, can) {
  const dot = can.click ? "; click a dot to see what it stands for" : "";
  const pad = can.draw ? ", or draw a digit in the left image" : "";
  const hint = `Drag the ring, A and B, or move them with the arrow keys${dot}${pad}.`;
  const steps = `An ellipse holds all steps that change the data by ${inFigures(radius)}; the ring's is ${ENLARGED} times as large.`;
  const doubt = can.doubt ? `Dotted: ${ENLARGED} standard deviations of the encoder's answer.` : "";
  const beyond = count ? "Faint: where no data are." : "";
  return [hint, steps, doubt, beyond, ...notes].filter(Boolean).join(" ");
}
