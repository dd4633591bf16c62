// Small words for the page: elements, numbers in figures, colours of the theme, frames.

/** Make an element of HTML. @param {string} tag @param {Record<string, unknown>} attributes @param {...(Node | string)} children */
export function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** Make an element of SVG. */
export function draw(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(element, attributes, children) {
  set(element, attributes);
  element.append(...children);
  return element;
}

/** Set attributes; those that are null or false go, functions listen to the event of their name. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

const isOwn = ({ key, ctrlKey, metaKey, altKey }) => !["Tab", "Escape"].includes(key) && !(ctrlKey || metaKey || altKey);

/** Make the element in which a widget lives, and keep its keys there. @param {HTMLElement} el @param {string} name @returns {HTMLElement} */
export function hostIn(el, name) {
  const host = make("div", { class: name });
  // On a page of the book, arrow keys turn the page unless the focus is in a field, which a shadow root hides; in
  // JupyterLab, letters are shortcuts of the notebook.
  host.addEventListener("keydown", (event) => isOwn(event) && event.stopPropagation());
  el.append(host);
  return host;
}

/** A number that is not negative, with three significant figures. */
export function inFigures(value) {
  if (!Number.isFinite(value)) return "∞";
  if (value < 1e-4) return "0.00";
  if (value >= 99_950) return inPowersOfTen(value);
  const decimals = Math.min(Math.max(2 - Math.floor(Math.log10(value)), 0), 4);
  return value < 999.5 ? value.toFixed(decimals) : Number(value.toPrecision(3)).toLocaleString("en");
}

const inPowersOfTen = (value) => {
  const [digits, power] = value.toExponential(1).split("e+");
  return `${digits} × 10${superscript(power)}`;
};
export const superscript = (number) => [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");

/** A coordinate: always two decimals, a sign's room kept free. */
export const coordinate = (value) => `${value <= -0.005 ? "−" : "\u2007"}${Math.abs(value).toFixed(2)}`;

/** What the theme paints with now, as the browser has resolved it. @param {Element} element */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const named = (name) => style.getPropertyValue(name).trim();
  // An element that is not on the page yet has no colour.
  const [red, green, blue] = (style.color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  // Light ink means a dark theme, whoever calls it what.
  const dark = 0.3 * red + 0.59 * green + 0.11 * blue > 128;
  return { ink: named("--ink"), paper: named("--paper"), hair: named("--hair"), muted: named("--muted"), accent: named("--accent"), dark };
}

/** Call back when the page or JupyterLab changes its theme. @returns {() => void}  Ends it. */
export function onTheme(callback) {
  const watch = new MutationObserver(callback);
  const attributeFilter = ["data-theme", "data-jp-theme-light", "data-jp-theme-name", "class"];
  for (const element of [document.documentElement, document.body]) watch.observe(element, { attributes: true, attributeFilter });
  return () => watch.disconnect();
}

/** Runs a function once a frame for as long as it says that there is more to do. */
export class Frames {
  /** @param {(now: number) => boolean} work */
  constructor(work) {
    this.work = work;
    this.asked = 0;
  }

  ask() {
    this.asked ||= requestAnimationFrame((now) => {
      this.asked = 0;
      if (this.work(now)) this.ask();
    });
  }

  close() {
    cancelAnimationFrame(this.asked);
    // Nothing that comes late may start it again.
    this.ask = () => {};
  }
}

/** How far a change has come, from 0 to 1, slow at both ends; none of it for readers who want less motion. */
export class Easing {
  /** @param {number} milliseconds */
  constructor(milliseconds) {
    this.milliseconds = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : milliseconds;
    this.began = -Infinity;
  }

  start() {
    this.began = performance.now();
  }

  /** @param {number} now */
  share(now) {
    const part = this.milliseconds ? Math.min(Math.max((now - this.began) / this.milliseconds, 0), 1) : 1;
    return part * part * (3 - 2 * part);
  }
}
