// Dragging: one pointer at a time, held beyond the edge, and what a finger means that was about to scroll.

/**
 * @typedef {object} Dragged  What is done with a drag.
 * @property {(event: PointerEvent) => unknown} begin  Says what is dragged from there; null: nothing.
 * @property {(event: PointerEvent, thing: unknown) => void} move
 * @property {(event: PointerEvent, thing: unknown, moved: boolean) => void} end  The reader has let go, or has only clicked.
 * @property {(thing: unknown) => void} cancel  What began was a scroll.
 */

// A hand that clicks trembles by so many pixels.
const TREMBLE = 3;

export class Drag {
  /** @param {Element} element @param {Dragged} hands */
  constructor(element, hands) {
    Object.assign(this, { element, hands, held: null });
    set(element, {
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.follow(event),
      pointerup: (event) => this.release(event),
      pointercancel: (event) => this.abandon(event),
    });
  }

  press(event) {
    if (event.button > 0 || this.held) return;
    const thing = this.hands.begin(event);
    if (thing === null) return;
    this.held = { pointer: event.pointerId, thing, from: [event.clientX, event.clientY], moved: false };
    // Otherwise the pointer is lost at the edge; an invented event has no pointer to capture.
    if (event.isTrusted) this.element.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  /** Whether an event is of the pointer that drags: a second finger does nothing. */
  isMine({ pointerId }) {
    return this.held?.pointer === pointerId;
  }

  follow(event) {
    if (!this.isMine(event)) return;
    const { from } = this.held;
    this.held.moved ||= Math.hypot(event.clientX - from[0], event.clientY - from[1]) > TREMBLE;
    if (this.held.moved) this.hands.move(event, this.held.thing);
  }

  release(event) {
    if (!this.isMine(event)) return;
    const { thing, moved } = this.held;
    this.held = null;
    this.hands.end(event, thing, moved);
  }

  abandon(event) {
    if (!this.isMine(event)) return;
    const { thing } = this.held;
    this.held = null;
    this.hands.cancel(thing);
  }
}
