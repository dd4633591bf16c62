// Angles on circles, and the code that two of them make.

export const ROUND = 2 * Math.PI;

/** The same angle, from 0 to once round. @param {number} angle  In radians. */
export const onceRound = (angle) => ((angle % ROUND) + ROUND) % ROUND;

/** The code of two angles, a point of S¹ × S¹ in R² × R². @param {[number, number]} angles @returns {number[]} */
export const codeOf = (angles) => angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);

/** From twelve o'clock, with the clock: how far to the right, and up. @param {number} angle */
export const onDial = (angle) => [Math.sin(angle), Math.cos(angle)];

/** The angle at which a place is, seen from the middle: `onDial` turned round. */
export const angleAt = ([right, up]) => onceRound(Math.atan2(right, up));

/** An angle in whole degrees, from 0 to 359. */
export const inWholeDegrees = (angle) => Math.round((onceRound(angle) * 360) / ROUND) % 360;
