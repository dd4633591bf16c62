// The row of controls: the slider over the family, which ellipses are drawn, whether the plane is shaded.

/** A slider over the members: its value and what it means in words, ticks at the values that were trained. */
export class FamilySlider {
  /** @param {Member[]} members @param {(index: number) => void} choose @param {() => void} settle */
  constructor(members, choose, settle) {
    this.members = members;
    this.input = make("input", { type: "range", min: 0, max: members.length - 1, step: 1, "aria-label": "λ" });
    set(this.input, { input: () => choose(+this.input.value), change: settle });
    // A finger that lands here to scroll has moved the thumb before the browser takes the touch over: the thumb goes back.
    set(this.input, { pointerdown: () => (this.before = +this.input.value), pointercancel: () => choose(this.before) });
    // No output: what the slider says would be said twice.
    this.value = make("span", { class: "value" });
    this.words = make("span", { class: "words" });
    this.ticks = members.map((member, index) => this.makeTick(member, index, choose, settle));
    const head = make("div", { class: "head" }, make("span", {}, "λ = ", this.value), this.words);
    this.element = make("div", { class: "slider" }, head, this.input, make("div", { class: "ticks" }, ...this.ticks));
  }

  makeTick({ lam }, index, choose, settle) {
    return tickOf(inPowers(lam), () => {
      choose(index);
      settle();
      this.input.focus();
    });
  }

  show(index) {
    const { lam, words } = this.members[index];
    this.input.value = index;
    this.value.textContent = inPowers(lam);
    this.words.textContent = words;
    set(this.input, { "aria-valuetext": `λ = ${inPowers(lam)}. ${words}` });
    this.ticks.forEach((tick, which) => tick.toggleAttribute("data-active", which === index));
  }
}

/** One of several, as buttons in a row. */
export class Choice {
  /** @param {string} name @param {Record<string, string>} options  Words by value. @param {(value: string) => void} choose */
  constructor(name, options, choose) {
    // Radio buttons of one name are one group in a document; two explorers are two.
    const group = `${name}-${Math.random().toString(36).slice(2)}`;
    this.inputs = Object.keys(options).map((value) =>
      make("input", { type: "radio", name: group, value, change: () => choose(value) }));
    const labels = this.inputs.map((input) => make("label", {}, input, make("span", {}, options[input.value])));
    this.element = make("fieldset", { class: "choice" }, make("legend", {}, name), ...labels);
  }

  show(value) {
    for (const input of this.inputs) input.checked = input.value === value;
  }
}

/** Something that is on or off. */
export class Switch {
  /** @param {string} name @param {(on: boolean) => void} choose */
  constructor(name, choose) {
    this.input = make("input", { type: "checkbox", change: () => choose(this.input.checked) });
    this.element = make("label", { class: "switch" }, this.input, make("span", {}, name));
  }

  show(on) {
    this.input.checked = on;
  }
}

/** Which colours mean how much. */
export class Legend {
  /** @param {string[]} colours */
  constructor(colours) {
    this.ends = [make("span", {}), make("span", {})];
    const bar = make("span", { class: "bar" });
    bar.style.background = `linear-gradient(to right, ${colours.join()})`;
    this.element = make("div", { class: "legend", role: "img", "aria-label": "colours of the area scale" }, "√det G", this.ends[0], bar, this.ends[1]);
  }

  /** @param {boolean} on @param {Shades} shades */
  show(on, shades) {
    this.element.classList.toggle("off", !on);
    if (on) shades.span.forEach((level, end) => (this.ends[end].textContent = inFigures(Math.exp(level))));
  }
}

/** A weight as a figure writes it: from ten thousand on as a power of ten. */
export function inPowers(value) {
  const power = Math.log10(value);
  if (power >= 4 && Number.isInteger(power)) return `10${superscript(power)}`;
  return String(value);
}
