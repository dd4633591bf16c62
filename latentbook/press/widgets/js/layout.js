// What stands below what: one order on a wide page, another one on a phone, and the Tab key follows what is seen.

/** The parts of an explorer on their sheet. */
export class Layout {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} controls
   * @param {HTMLElement} plane
   * @param {HTMLElement[]} side  What goes in and comes out first.
   * @param {HTMLElement} notes
   */
  constructor(root, controls, plane, side, notes) {
    Object.assign(this, { root, controls, images: side[0] });
    root.append(controls, plane, make("div", { class: "side" }, ...side), notes);
  }

  /** Where there is one column, the images follow the plane: one is dragged in, the other one changes. */
  fit({ dark }) {
    // The browser's own circles and boxes to tick go with the theme too.
    this.root.style.colorScheme = dark ? "dark" : "light";
    const narrow = getComputedStyle(this.root).gridTemplateColumns.split(" ").length === 1;
    if (narrow === (this.root.firstChild !== this.controls)) return;
    const focused = this.root.getRootNode().activeElement;
    if (narrow) this.images.after(this.controls);
    else this.root.prepend(this.controls);
    // What is moved loses the focus.
    if (this.controls.contains(focused)) focused.focus();
  }
}

/** Something with words below it. @param {HTMLElement} element @param {...HTMLElement} words */
export const framed = (element, ...words) => make("figure", {}, element, make("figcaption", {}, ...words));
