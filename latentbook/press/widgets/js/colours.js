// Colours of magnitude, as bytes.

const parseColour = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Colours between the stops, as many as a screen can tell apart: red, green, blue and opacity. @param {number[][]} stops */
function tableOf(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const before = Math.min(Math.floor(place), stops.length - 2);
    const toward = (value, channel) => value + (place - before) * (stops[before + 1][channel] - value);
    return [...stops[before].map(toward), 255];
  });
}
