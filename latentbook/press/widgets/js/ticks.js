// Values below a slider.

/** A value that can be clicked: the keyboard and the screen reader have the range input. @param {string} words @param {() => void} click */
export const tickOf = (words, click) =>
  make("button", { type: "button", class: "tick", tabindex: -1, "aria-hidden": "true", click }, words);
