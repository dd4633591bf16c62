// Drawn strokes, reduced to examples exactly as the data sets were made from scanned forms.
// A stroke is a list of points [x, y] of a square pad, y downwards; one point makes a dot.

/** @typedef {number[][]} Stroke */
/** @typedef {{left: number, top: number, width: number, height: number}} Box */

// ---- scikit-learn's digits: 8 x 8 counts of the ink in a bitmap of 32 x 32 ----
//
// Their bitmaps come from NIST's form-based system (Garris et al., NISTIR 5469). What it does, and what shows it in the
// 1797 examples:
// - The box of the ink becomes 20 x 32 pixels, whatever its shape: all rows of blocks have ink in every example, and in
//   84 % the first column with ink is block 1, in 80 % the last is block 6: the box begins and ends within these.
// - Ink of fewer than 256 pixels is dilated, ink of more than 412 is eroded: in six classes the faintest example has
//   256 or 257, and 98.6 % of all examples keep to these bounds.
// - Rows are shifted until the left edge two rows below the top stands above that two rows above the bottom: block rows
//   0 and 7 begin at the same column, to 0.2 pixels on average in every class, though they end elsewhere.

const BITMAP = 32;
const BOX_WIDTH = 20;
const BLOCK = 4;
const BLOCKS = BITMAP / BLOCK;
const FAINT = { ink: 256, very: 108 };
const HEAVY = { ink: 412, very: 560 };
const NOISY_ROWS = 2;
// Thickness of the pen as a share of the ink's longer side. Ten drawn digits then have 0.30 of the bitmap as ink and
// 0.095 of the blocks full; the data have 0.305 and 0.091.
const DIGITS_PEN = 0.14;
// NIST would draw a slim 1 as wide as an 8, and then erode it; a hand is never as straight as a line on a pad. A box at
// least this wide for its height gives an upright line 10 of 32 pixels; the data's ones have 8.9 in the middle, and 6.5
// to 13 from 5 % to 95 %. A flat line is kept from filling the height in the same way.
const SLIMMEST = 0.29;

/**
 * Reduce strokes to an example of scikit-learn's digits.
 * @param {Stroke[]} strokes
 * @returns {Float64Array}  8 x 8, row by row: the share of ink in each block, a multiple of 1/16.
 */
export function reduceDigits(strokes) {
  const shares = new Float64Array(BLOCKS * BLOCKS);
  bitmapOf(strokes).forEach((on, at) => {
    const row = Math.floor(at / BITMAP / BLOCK);
    const column = Math.floor((at % BITMAP) / BLOCK);
    shares[row * BLOCKS + column] += on / BLOCK ** 2;
  });
  return shares;
}

/**
 * Return the bitmap whose blocks `reduceDigits` counts.
 * @param {Stroke[]} strokes
 * @returns {Uint8Array}  32 x 32, row by row, 0 or 1.
 */
export function bitmapOf(strokes) {
  const drawn = drawing(strokes, DIGITS_PEN);
  const bitmap = new Uint8Array(BITMAP * BITMAP);
  if (!drawn) return bitmap;
  if (drawn.isDot) return paint(bitmap, BITMAP, drawn, centred(drawn.box, BITMAP));
  const box = widened(drawn.box, SLIMMEST);
  const across = BOX_WIDTH / box.width;
  const down = BITMAP / box.height;
  const left = box.left - (BITMAP - BOX_WIDTH) / 2 / across;
  return upright(evenInk(paint(bitmap, BITMAP, drawn, { left, top: box.top, across, down })));
}

// The box, about its centre no slimmer and no flatter than a share of its other side.
function widened({ left, top, width, height }, share) {
  const wide = Math.max(width, share * height);
  const high = Math.max(height, share * width);
  return { left: left + (width - wide) / 2, top: top + (height - high) / 2, width: wide, height: high };
}

// NIST's rule for pens of all kinds: a faint digit gets a rim of one pixel, a heavy one loses it, at the extremes two.
function evenInk(bitmap) {
  const ink = inkOf(bitmap);
  if (ink < FAINT.very || ink > HEAVY.very) return withRim(withRim(bitmap, ink < FAINT.very), ink < FAINT.very);
  if (ink < FAINT.ink || ink > HEAVY.ink) return withRim(bitmap, ink < FAINT.ink);
  return bitmap;
}

const inkOf = (bitmap) => bitmap.reduce((sum, on) => sum + on, 0);

// Dilated when added, else eroded: by the four neighbours of each pixel, with white around the bitmap.
function withRim(bitmap, added) {
  const at = (row, column) =>
    row >= 0 && row < BITMAP && column >= 0 && column < BITMAP ? bitmap[row * BITMAP + column] : 0;
  return bitmap.map((on, index) => {
    const row = Math.floor(index / BITMAP);
    const column = index % BITMAP;
    const around = at(row - 1, column) + at(row + 1, column) + at(row, column - 1) + at(row, column + 1);
    return added ? +(on || around > 0) : +(on && around === 4);
  });
}

// Rows shifted sideways about the middle one, as far as makes the left edges near top and bottom stand upright.
function upright(bitmap) {
  const rows = Array.from({ length: BITMAP }, (_, row) => bitmap.subarray(row * BITMAP, (row + 1) * BITMAP));
  const top = rows.findIndex((row) => row.includes(1)) + NOISY_ROWS;
  const bottom = rows.findLastIndex((row) => row.includes(1)) - NOISY_ROWS;
  if (bottom <= top) return bitmap;
  const edges = [top, bottom].map((row) => rows[row].indexOf(1));
  if (edges.includes(-1)) return bitmap;
  const slant = (edges[0] - edges[1]) / (bottom - top);
  return sheared(rows, slant);
}

function sheared(rows, slant) {
  const bitmap = new Uint8Array(BITMAP * BITMAP);
  rows.forEach((pixels, row) => {
    const shift = rounded((row - BITMAP / 2) * slant);
    pixels.forEach((on, column) => {
      const target = column + shift;
      if (on && target >= 0 && target < BITMAP) bitmap[row * BITMAP + target] = 1;
    });
  });
  return bitmap;
}

// Halves away from 0, so that a shift to the left is the mirror image of one to the right.
const rounded = (number) => Math.sign(number) * Math.round(Math.abs(number));

// ---- MNIST: 28 x 28 grey levels ----
//
// Of the 60,000 training images all but 13 have ink of 20 pixels in the longer side, the shape of the box is kept, and
// the centre of mass lies within half a pixel of pixel 14 (counted from 0) both ways, evenly spread: the 20 x 20 image
// is moved by whole pixels.

const MNIST_SIDE = 28;
const MNIST_BOX = 20;
const MIDDLE = 14;
// Each pixel is the mean of as many samples each way.
const SAMPLES = 6;
// Thickness of the pen as a share of the 20 pixels. Ten drawn digits then have 104 pixels of ink, as the data's have.
const MNIST_PEN = 0.14;

/**
 * Reduce strokes to an example of MNIST.
 * @param {Stroke[]} strokes
 * @returns {Float64Array}  28 x 28, row by row, 0 for paper to 1 for ink.
 */
export function reduceMnist(strokes) {
  const drawn = drawing(strokes, MNIST_PEN);
  const image = new Float64Array(MNIST_SIDE * MNIST_SIDE);
  if (!drawn) return image;
  const fine = MNIST_BOX * SAMPLES;
  const { box } = drawn;
  const place = drawn.isDot ? centred(box, fine) : cornered(box, fine);
  const samples = paint(new Uint8Array(fine * fine), fine, drawn, place);
  return massCentred(means(samples, fine), image);
}

// The longer side fills the grid, from its first row and column on.
function cornered({ left, top, width, height }, size) {
  const scale = size / Math.max(width, height);
  return { left, top, across: scale, down: scale };
}

// The mean of every square of samples.
function means(samples, fine) {
  const grey = new Float64Array(MNIST_BOX * MNIST_BOX);
  samples.forEach((on, at) => {
    const row = Math.floor(at / fine / SAMPLES);
    const column = Math.floor((at % fine) / SAMPLES);
    grey[row * MNIST_BOX + column] += on;
  });
  return grey.map((count) => count / SAMPLES ** 2);
}

// Copied by whole pixels to where the centre of mass is nearest to the middle; ink never leaves the image.
function massCentred(grey, image) {
  const rows = (at) => Math.floor(at / MNIST_BOX);
  const columns = (at) => at % MNIST_BOX;
  const [down, right] = [rows, columns].map((of) => shiftOf(grey, of));
  grey.forEach((value, at) => {
    if (value) image[(rows(at) + down) * MNIST_SIDE + columns(at) + right] = value;
  });
  return image;
}

// By how much along one axis.
function shiftOf(grey, coordinateOf) {
  let mass = 0;
  let moment = 0;
  let last = 0;
  grey.forEach((value, at) => {
    mass += value;
    moment += value * coordinateOf(at);
    if (value) last = Math.max(last, coordinateOf(at));
  });
  // The first row or column with ink is 0.
  return Math.min(Math.max(Math.round(MIDDLE - moment / mass), 0), MNIST_SIDE - 1 - last);
}

// ---- both ----

// What is no larger than this share of the pad is a dot, as from a finger that trembles, and is not enlarged.
const DOT_SIZE = 0.02;

/**
 * Return what is drawn, with a pen that grows with it: how large a reader draws does not matter.
 * @param {Stroke[]} strokes
 * @param {number} pen  Thickness as a share of the longer side of the ink.
 * @returns {?{strokes: Stroke[], radius: number, box: Box, isDot: boolean}}  Null if nothing is.
 */
function drawing(strokes, pen) {
  const real = strokes.map((stroke) => stroke.filter((point) => point.every(Number.isFinite)));
  const kept = real.filter((stroke) => stroke.length > 0);
  if (!kept.length) return null;
  const line = boxOf(kept.flat());
  const extent = Math.max(line.width, line.height);
  const isDot = extent <= DOT_SIZE;
  // A dot is as thick as the pen is for a drawing over the whole pad, whatever the tremble.
  const radius = isDot ? pen / 2 : (extent * pen) / (1 - pen) / 2;
  return { strokes: isDot ? [[middleOf(line)]] : kept, radius, box: grown(line, radius), isDot };
}

function boxOf(points) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, width: right - left, height: bottom - top };
}

const middleOf = ({ left, top, width, height }) => [left + width / 2, top + height / 2];

const grown = ({ left, top, width, height }, rim) => ({
  left: left - rim,
  top: top - rim,
  width: width + 2 * rim,
  height: height + 2 * rim,
});

// The grid is as large as the pad, about the centre of the box.
function centred(box, size) {
  const [x, y] = middleOf(box);
  return { left: x - 0.5, top: y - 0.5, across: size, down: size };
}

/**
 * Put ink on all pixels of a square grid whose centres are within the pen's radius of a stroke.
 * @param {Uint8Array} grid  Is written.
 * @param {number} size  Pixels in a side.
 * @param {{strokes: Stroke[], radius: number}} drawn
 * @param {{left: number, top: number, across: number, down: number}} place  The pad's point at the grid's corner, and
 *   how many pixels to the pad's unit.
 * @returns {Uint8Array}  The grid.
 */
function paint(grid, size, { strokes, radius }, place) {
  for (const stroke of strokes) {
    stroke.forEach((point, index) => paintSegment(grid, size, stroke[Math.max(index - 1, 0)], point, radius, place));
  }
  return grid;
}

function paintSegment(grid, size, [x1, y1], [x2, y2], radius, { left, top, across, down }) {
  const [along, below] = [x2 - x1, y2 - y1];
  const square = along * along + below * below;
  const first = (low, start, scale) => Math.max(Math.ceil((low - radius - start) * scale - 0.5), 0);
  const last = (high, start, scale) => Math.min(Math.floor((high + radius - start) * scale - 0.5), size - 1);
  const columns = [first(Math.min(x1, x2), left, across), last(Math.max(x1, x2), left, across)];
  const rows = [first(Math.min(y1, y2), top, down), last(Math.max(y1, y2), top, down)];
  for (let row = rows[0]; row <= rows[1]; row++) {
    const y = top + (row + 0.5) / down - y1;
    for (let column = columns[0]; column <= columns[1]; column++) {
      if (grid[row * size + column]) continue;
      const x = left + (column + 0.5) / across - x1;
      // The nearest point of the segment, as a share of its length.
      const share = square ? Math.min(Math.max((x * along + y * below) / square, 0), 1) : 0;
      const apart = (x - share * along) ** 2 + (y - share * below) ** 2;
      if (apart <= radius * radius) grid[row * size + column] = 1;
    }
  }
}
