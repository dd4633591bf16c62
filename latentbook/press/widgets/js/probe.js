// The probe: what the decoder makes of a point, how fast that changes around it, and how sure the encoder was.

// An ellipse of the field would be hidden by the handle: the probe's own steps are as many times as long, and so many
// standard deviations of the encoder's answer are drawn.
export const ENLARGED = 3;

export class Probe {
  /** @param {number} radius  Of the field's ellipses, in data units. @param {Plane} plane @param {Pane} output @param {Readout} readout */
  constructor(radius, plane, output, readout) {
    Object.assign(this, { radius: ENLARGED * radius, plane, output, readout, looked: {} });
  }

  /**
   * Decode a point and say what the metric is there; draw ellipses at the probe, at the pointer, and of the encoder's doubt.
   * @param {Member} member
   * @param {Point} point  Where the probe is in the plane.
   * @param {Point} shown  Where it is drawn, on the way there.
   * @param {Point | null} hovered  Where the pointer is: this is what is decoded then.
   * @param {{values: ArrayLike<number>, answer: object | null} | null} input
   */
  show(member, point, shown, hovered, input) {
    const own = this.lookAt("own", member, point);
    const seen = hovered ? this.lookAt("hovered", member, hovered) : own;
    // What is under the pointer has no input.
    this.say(member, hovered ?? point, seen, hovered ? null : input);
    this.plane.oval("ellipse", shown, ellipseOf(own.metric, this.radius));
    this.plane.oval("hovered", hovered, ellipseOf(seen.metric, this.radius));
    const doubt = input?.answer?.covariance;
    this.plane.oval("posterior", shown, doubt ? deviationEllipse(doubt).map((entry) => ENLARGED * entry) : null);
  }

  /** What is decoded at a point, and the metric: computed once, however often it is shown. @param {"own" | "hovered"} name */
  lookAt(name, member, point) {
    const last = this.looked[name];
    if (last?.member === member && last.point === point) return last;
    const metric = member.ruler.at(point);
    return (this.looked[name] = { member, point, metric, value: Float64Array.from(member.ruler.value) });
  }

  say(member, point, { metric, value }, input) {
    if (this.output.values !== value) this.output.show(value);
    this.readout.show({
      code: member.toCode(point),
      metric,
      spread: input?.answer?.deviations ?? null,
      error: input ? meanSquare(value, input.values) : null,
    });
  }
}

function meanSquare(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum / one.length;
}
