// What a view and the kernel, or another view, tell each other: the traits that go both ways.

export class Kernel {
  /** @param {{get: Function, set: Function, on: Function, off: Function, save_changes: Function}} model @param {Explorer} view */
  constructor(model, view) {
    Object.assign(this, { model, view });
  }

  /** Tell what is not known yet, in one message. @param {Record<string, unknown>} values */
  tell(values) {
    const fresh = Object.entries(values).filter(([name, value]) => !same(this.model.get(name), value));
    for (const [name, value] of fresh) this.model.set(name, value);
    if (fresh.length) this.model.save_changes();
  }

  /** Do what is told, until the function that is returned is called. */
  listen() {
    const events = {
      "change:lam": () => this.changeMember(),
      "change:example": () => this.pick(),
      "change:ellipses": () => this.view.showChoices(),
      "change:magnification": () => this.view.showChoices(),
    };
    for (const name of PLACES) events[`change:${name}`] = () => this.move(name);
    for (const [event, listener] of Object.entries(events)) this.model.on(event, listener);
    return () => Object.entries(events).forEach(([event, listener]) => this.model.off(event, listener));
  }

  changeMember() {
    const index = this.view.indexOf(this.model.get("lam"));
    if (index === this.view.index) return;
    this.view.goTo(index);
    // The codes of all handles are others in this model. Another view tells them in the same breath; a kernel does not.
    setTimeout(() => this.view.settle());
  }

  move(name) {
    const { member, points } = this.view;
    const code = this.model.get(name);
    if (same(code, member.toCode(points[name]))) return;
    const point = member.toPlane(code);
    this.view.move(name, point, this.view.anchorAt(point));
    this.view.settle();
  }

  pick() {
    const index = this.model.get("example");
    if (index === null || this.view.anchors.probe?.index === index) return;
    this.view.move("probe", this.view.member.codeOf(index), { index });
    this.view.settle();
  }
}

// A code that went to the kernel and back is the same but for its last digits.
const same = (one, other) =>
  one === other || (Array.isArray(one) && Array.isArray(other) && one.every((value, i) => Math.abs(value - other[i]) < 1e-9));
