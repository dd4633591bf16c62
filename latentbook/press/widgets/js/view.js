// How a small widget comes in, and the traits that it shares with the kernel and with other views.

/** Traits as one view has them: they follow the reader's hand, and the model is told when he lets go. */
export class Traits {
  /**
   * @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model
   * @param {string[]} names
   * @param {() => void} changed  Called when another view, or the kernel, has changed one.
   */
  constructor(model, names, changed) {
    this.model = model;
    this.values = Object.fromEntries(names.map((name) => [name, model.get(name)]));
    this.listeners = names.map((name) => [`change:${name}`, () => this.hear(name, changed)]);
    for (const [event, listener] of this.listeners) model.on(event, listener);
  }

  hear(name, changed) {
    this.values[name] = this.model.get(name);
    changed();
  }

  /** Tell what is not known yet, in one message; return whether there was anything. */
  tell() {
    const fresh = Object.entries(this.values).filter(([name, value]) => this.model.get(name) !== value);
    for (const [name, value] of fresh) this.model.set(name, value);
    if (fresh.length) this.model.save_changes();
    return fresh.length > 0;
  }

  close() {
    for (const [event, listener] of this.listeners) this.model.off(event, listener);
  }
}

/**
 * What hosts call to show a widget.
 * @param {string} place  Class of its element.
 * @param {string} name  What it is called in a sentence.
 * @param {new (model: object, element: HTMLElement) => {close: () => void}} View
 */
export const rendering = (place, name, View) => ({ model, el }) => {
  if (!Object.keys(model.get("content") ?? {}).length) {
    el.append(make("p", { class: "lb-kernel" }, `This ${name} was saved without its data: run its cell again.`));
    return () => {};
  }
  const host = hostIn(el, place);
  // What tests and curious readers hold on to.
  host[name] = new View(model, host);
  return () => host[name].close();
};
