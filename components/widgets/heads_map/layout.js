// Where everything is, in CSS pixels.

import { wholePixels } from "../frontend/canvas.js";
/** @import { Header, HeadsState } from "./state.js" */

export const HEAD_GAP = 2;
export const HEAD_TOP = 14;
export const NAME_HEIGHT = 13;
const READOUT_HEIGHT = 18;
const NAMED_WIDTH = 62; // fits a name under a thumbnail: "5·10  0.62"

/**
 * The two ways to lay out heads.
 * @typedef {object} Arrangement
 * @property {boolean} ordered
 * @property {number} left the margin
 * @property {number} top
 * @property {number} under each thumbnail
 * @property {number} smallest from one thumbnail to the next, if there is room
 * @property {number} narrowest from one thumbnail to the next, across
 */

/** Layers down, heads across, numbered along both sides. @type {Arrangement} */
const BY_LAYER = { ordered: false, left: 20, top: HEAD_TOP, under: 0, smallest: 13, narrowest: 0 };

/** One after another, each with its name under it, as many in a row as fit. @type {Arrangement} */
const IN_ORDER = { ordered: true, left: 0, top: 0, under: NAME_HEIGHT, smallest: 40, narrowest: NAMED_WIDTH };

/** @param {Header} header */
export const arrangementOf = ({ order }) => (order ? IN_ORDER : BY_LAYER);

/** @param {Header} header */
export const boxHeight = ({ maxHeight }) => maxHeight - READOUT_HEIGHT;

/**
 * How many heads are in a row: a layer, or fewer if they are ordered and their names would not fit.
 * @param {HeadsState} state
 * @param {number} width of the whole
 */
export function headsAcross({ arrangement, header, order }, width) {
  if (!arrangement.ordered) return header.heads;
  return Math.max(1, Math.min(header.heads, order.length, Math.floor(width / NAMED_WIDTH)));
}

/**
 * @typedef {object} Layout
 * @property {number} across heads in a row
 * @property {number} left
 * @property {number} top
 * @property {number} step from one head to the next, down
 * @property {number} wide and across
 * @property {number} side the height of a thumbnail
 * @property {number} broad its width
 * @property {number} width of the whole
 * @property {number} height
 */

/**
 * Thumbnails cover whole pixels of the screen, so that all are equally sharp.
 * @param {HeadsState} state
 * @param {number} across
 * @param {number} outerWidth
 * @returns {Layout}
 */
export function measure({ arrangement, header, order }, across, outerWidth) {
  const { left, top, under, smallest, narrowest } = arrangement;
  const room = (outerWidth - left) / across;
  const rows = Math.ceil(order.length / across);
  const down = (boxHeight(header) - top) / rows - under;
  const largest = header.maxThumbnail + HEAD_GAP;
  const pitch = wholePixels(Math.max(Math.min(smallest, room), Math.min(room, down, largest)));
  const wanted = wholePixels(Math.max(pitch, narrowest, Math.min(room, pitch * header.maxStretch)));
  const wide = Math.min(wanted, wholePixels(room));
  const step = pitch + under;
  return {
    across,
    left,
    top,
    step,
    wide,
    side: pitch - HEAD_GAP,
    broad: wide - HEAD_GAP,
    width: left + wide * across,
    height: top + step * rows,
  };
}
