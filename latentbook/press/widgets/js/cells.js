// The cells of a grid in numbers: between what they lie, which is best, where keys lead, how they are written.

/** @typedef {(number | null)[][]} Values  A row for each β₁, a column for each β₂; null where a training failed. */

/** Lowest and highest; 0 and 0 where no training succeeded. @param {Values} values @returns {[number, number]} */
export function spanOf(values) {
  const known = values.flat().filter((value) => value !== null);
  return known.length ? [Math.min(...known), Math.max(...known)] : [0, 0];
}

/** How far a value is from the low end to the high one; in the middle where they are one. */
export const shareOf = (value, [low, high]) => (high > low ? (value - low) / (high - low) : 0.5);

/** Row and column of the best cell; null where neither larger nor smaller is better, or all failed. @param {Values} values @param {boolean | null} larger */
export function bestOf(values, larger) {
  if (larger === null) return null;
  const best = spanOf(values)[larger ? 1 : 0];
  const row = values.findIndex((line) => line.includes(best));
  return row < 0 ? null : [row, values[row].indexOf(best)];
}

/** Where a key leads from a cell; null if it leads nowhere. The first row is the lowest one. */
export function cellAfter(key, [row, column], [rows, columns]) {
  const ways = {
    ArrowUp: [row + 1, column], ArrowDown: [row - 1, column], ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1],
    PageUp: [rows - 1, column], PageDown: [0, column], Home: [row, 0], End: [row, columns - 1],
  };
  const [up, right] = ways[key] ?? [];
  if (up === undefined) return null;
  return [Math.min(Math.max(up, 0), rows - 1), Math.min(Math.max(right, 0), columns - 1)];
}

export const sameCell = (one, other) => one !== null && other !== null && one[0] === other[0] && one[1] === other[1];

/** From tick to tick of an axis up to so much, 1, 2 or 5 times a power of ten: at most five of them. */
export function tickStep(most) {
  const power = 10 ** Math.floor(Math.log10(most / 5));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 5);
}

/** How far the axes of the rate plane go, one scale for both unless a rate would be squeezed. @param {[Values, Values]} rates @returns {[number, number]} */
export function reachOf(rates) {
  const most = rates.map((values) => 1.05 * spanOf(values)[1] || 1);
  const [low, high] = [Math.min(...most), Math.max(...most)];
  return high < 2 * low ? [high, high] : most;
}

/** A number in three figures, whatever its sign, with its unit. */
export const inUnits = (value, unit = "") => `${value < 0 ? "−" : ""}${inFigures(Math.abs(value))}${unit && `\u00a0${unit}`}`;

/** The colour of a share, between those of the scale. */
export function colourOf(share) {
  const place = share * (MAGNITUDE.length - 1);
  const before = Math.min(Math.floor(place), MAGNITUDE.length - 2);
  return `color-mix(in srgb, ${MAGNITUDE[before + 1]} ${(100 * (place - before)).toFixed(1)}%, ${MAGNITUDE[before]})`;
}
