// The probe: what the decoder makes of a point, how fast that changes around it, and how sure the encoder was.

// An ellipse of the field would be hidden by the handle: the probe's own steps are as many times as long, and so many
// standard deviations of the encoder's answer are drawn.
export const ENLARGED = 3;

export class Probe {
  /** @param {number} radius  Of the field's ellipses, in data units. @param {Plane} plane @param {Pane} output @param {Readout} readout */
  constructor(radius, plane, output, readout) {
    Object.assign(this, { radius: ENLARGED * radius, plane, output, readout });
  }

  /**
   * Decode a point and say what the metric is there.
   * @param {Member} member
   * @param {Point} point  In the plane.
   * @param {{values: ArrayLike<number>, answer: object | null} | null} input
   */
  paint(member, point, input) {
    const metric = member.ruler.at(point);
    const value = Float64Array.from(member.ruler.value);
    this.output.show(value);
    this.readout.show({
      code: member.toCode(point),
      metric,
      spread: input?.answer?.deviations ?? null,
      error: input ? meanSquare(value, input.values) : null,
    });
  }

  /** Draw ellipses: at the probe, at the pointer, and of the encoder's doubt. */
  outline({ ruler }, point, shown, hovered, input) {
    const around = (place) => ellipseOf(ruler.at(place), this.radius);
    this.plane.oval("ellipse", shown, around(point));
    this.plane.oval("hovered", hovered, hovered && around(hovered));
    const doubt = input?.answer?.covariance;
    this.plane.oval("posterior", shown, doubt ? deviationEllipse(doubt).map((entry) => ENLARGED * entry) : null);
  }
}

function meanSquare(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum / one.length;
}
