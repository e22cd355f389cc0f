// Where everything is, in CSS pixels. The canvas is as large as the visible part and stays in place while the box
// around it scrolls: it draws what the scroll position shows, so that 512 tokens at reading size cost no more than 24.

import { pixelRatio, wholePixels } from "../frontend/canvas.js";
import { labelFont } from "./labels.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { HeatmapState, Place } from "./state.js" */

export const LARGEST_CELL = 44;

/** @typedef {{ tokens: number, keys: number }} LabelWidths the widest label of each side */

/** @typedef {{ width: number, height: number }} Size */

/**
 * @typedef {object} Layout
 * @property {number} rows
 * @property {number} columns
 * @property {number} width of the visible part, and its height
 * @property {number} height
 * @property {number} left the room for the row labels; `top` is that for the column labels
 * @property {number} top
 * @property {boolean} upright whether the column labels are upright
 * @property {Size} fit the cell size at which all cells are visible
 * @property {Size} cell
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeatmapState} state
 * @param {Theme} theme
 * @returns {LabelWidths}
 */
export function labelWidths(context, { tokens, keys }, theme) {
  context.font = labelFont(theme, 11, false);
  const widest = (/** @type {string[]} */ labels) =>
    Math.max(...labels.map((label) => context.measureText(label.slice(0, 24)).width));
  return { tokens: widest(tokens), keys: widest(keys) };
}

/**
 * @param {HeatmapState} state
 * @param {LabelWidths} widest
 * @param {Size} size of the visible part
 * @returns {Layout}
 */
export function measure({ tokens, keys, cellSize }, widest, { width, height }) {
  const rows = tokens.length;
  const columns = keys.length;
  const left = Math.ceil(Math.min(widest.tokens + 10, Math.max(48, width * 0.24), 96));
  const fitWidth = Math.min((width - left) / columns, LARGEST_CELL);
  const upright = cellSize === null && widest.keys + 6 <= fitWidth;
  const top = upright ? 18 : Math.ceil(Math.min(widest.keys + 8, height * 0.26, 80));
  const fitHeight = Math.min((height - top) / rows, LARGEST_CELL);
  // whole pixels of the screen, unless the cells are so small that rounding would show
  const whole = (/** @type {number} */ size) => (size * pixelRatio() >= 3 ? wholePixels(size) : size);
  const fit = {
    width: whole(Math.min(fitWidth, 2 * fitHeight)),
    height: whole(Math.min(fitHeight, 2 * fitWidth)),
  };
  const cell = cellSize === null ? fit : { width: cellSize, height: cellSize };
  return { rows, columns, width, height, left, top, upright, fit, cell };
}

/**
 * The cell or label at a point of the visible part; null outside both.
 * @param {Layout} layout
 * @param {Element} box
 * @param {{ x: number, y: number }} point
 * @returns {Place | null}
 */
export function placeAt({ left, top, cell, rows, columns }, box, { x, y }) {
  const row = y < top ? null : Math.floor((y - top + box.scrollTop) / cell.height);
  const column = x < left ? null : Math.floor((x - left + box.scrollLeft) / cell.width);
  const outside = (row ?? 0) >= rows || (column ?? 0) >= columns || (row === null && column === null);
  return outside ? null : { row, column };
}
