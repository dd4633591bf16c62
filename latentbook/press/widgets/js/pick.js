// A drawing whose cells are chosen by a pointer.

/**
 * Choose by click and by drag; a finger that turns out to scroll gives back what it has chosen.
 * @param {SVGSVGElement} svg
 * @param {(x: number, y: number) => [number, number] | null} cellAt  In units of the drawing.
 * @param {{cell: [number, number], choose: Function, settle: Function, hover: Function}} view
 */
export function pickable(svg, cellAt, view) {
  let before = null;
  const under = ({ clientX, clientY }) => {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    return cellAt(x, y);
  };
  const choose = (cell) => cell && view.choose(cell);
  set(svg, {
    pointerdown: (event) => {
      if (event.button || !event.isPrimary) return;
      before = view.cell;
      svg.setPointerCapture(event.pointerId);
      choose(under(event));
    },
    pointermove: (event) => {
      view.hover(under(event));
      if (before) choose(under(event));
    },
    pointerup: () => {
      if (before) view.settle();
      before = null;
    },
    pointercancel: () => {
      choose(before);
      before = null;
    },
    pointerleave: () => view.hover(null),
  });
}
