// The canvas: cells, marks on cells, and labels.

import { clipped, crisp, hatching, pixelRatio } from "../frontend/canvas.js";
import { css, mix } from "../frontend/colour.js";
import { drawLabels } from "./labels.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { Layout } from "./layout.js" */
/** @import { CellPictures } from "./levels.js" */
/** @import { HeatmapState } from "./state.js" */

/**
 * What there is to paint.
 * @typedef {object} Painted
 * @property {HeatmapState} state
 * @property {Layout} layout
 * @property {Theme} theme
 * @property {CellPictures} pictures
 * @property {Map<string, string>} shortened labels that were shortened before
 */

/**
 * What to paint and where, at the current scroll position.
 * @typedef {Painted & {
 *   context: CanvasRenderingContext2D,
 *   scroll: { left: number, top: number },
 *   xOf: (column: number) => number,
 *   yOf: (row: number) => number,
 * }} Scene
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Element} box
 * @param {Painted} painted
 */
export function paint(canvas, box, painted) {
  const { layout } = painted;
  const scroll = { left: box.scrollLeft, top: box.scrollTop };
  const scene = {
    ...painted,
    context: crisp(canvas, layout.width, layout.height),
    scroll,
    xOf: (/** @type {number} */ column) => layout.left - scroll.left + column * layout.cell.width,
    yOf: (/** @type {number} */ row) => layout.top - scroll.top + row * layout.cell.height,
  };
  const { left, top, width, height } = layout;
  clipped(scene.context, [left, top, width - left, height - top], () => drawCells(scene));
  clipped(scene.context, [left, top, width - left, height - top], () => drawOutside(scene));
  clipped(scene.context, [left, top, width - left, height - top], () => drawMarks(scene));
  drawLabels(scene);
}

/** @param {Scene} scene */
function drawCells({ context, layout, theme, pictures, xOf, yOf }) {
  const width = layout.columns * layout.cell.width;
  const height = layout.rows * layout.cell.height;
  const ratio = pixelRatio();
  context.imageSmoothingEnabled = false;
  const source = pictures.sized(Math.floor(width * ratio), Math.floor(height * ratio));
  context.drawImage(source, xOf(0), yOf(0), width, height);
  context.strokeStyle = css(mix(theme.background, theme.text, 0.18));
  context.lineWidth = 1 / ratio;
  context.strokeRect(xOf(0), yOf(0), width, height);
}

/** @param {Scene} scene */
function drawOutside({ context, state, layout, theme, xOf, yOf }) {
  if (!state.header.inside) return;
  context.fillStyle = hatching(context, theme.text);
  for (const [row, [start, stop]] of state.header.inside.entries()) {
    context.fillRect(xOf(0), yOf(row), start * layout.cell.width, layout.cell.height);
    context.fillRect(xOf(stop), yOf(row), (layout.columns - stop) * layout.cell.width, layout.cell.height);
  }
}

/** @param {Scene} scene */
function drawMarks(scene) {
  const { context, state, layout, theme, xOf, yOf } = scene;
  const { cell } = layout;
  const width = layout.columns * cell.width;
  const height = layout.rows * cell.height;
  if (state.pointed) {
    const { row, column } = state.pointed;
    context.fillStyle = `rgb(${theme.text.join(" ")} / 12%)`;
    if (row !== null) context.fillRect(xOf(0), yOf(row), width, cell.height);
    if (column !== null) context.fillRect(xOf(column), yOf(0), cell.width, height);
  }
  context.strokeStyle = css(theme.primary);
  if (state.selectedColumn !== null) {
    context.lineWidth = 1.25;
    context.strokeRect(xOf(state.selectedColumn), yOf(0), Math.max(2, cell.width), height);
  }
  if (state.selected !== null) {
    context.lineWidth = 2;
    context.strokeRect(xOf(0) + 1, yOf(state.selected), width - 2, Math.max(2, cell.height));
  }
  if (state.second !== null) {
    context.lineWidth = 1.25;
    context.setLineDash([5, 3]);
    context.strokeRect(xOf(state.second), yOf(0), Math.max(2, cell.width), height);
    context.setLineDash([]);
  }
  if (state.byKeyboard) drawCursor(scene);
}

/** @param {Scene} scene */
function drawCursor({ context, state, layout, theme, xOf, yOf }) {
  const { cell } = layout;
  const grow = Math.max(0, (7 - Math.min(cell.width, cell.height)) / 2); // visible even around the smallest cells
  const x = xOf(state.cursor.column) - grow;
  const y = yOf(state.cursor.row) - grow;
  const width = cell.width + 2 * grow;
  const height = cell.height + 2 * grow;
  context.lineWidth = 2;
  context.strokeStyle = css(theme.background);
  context.strokeRect(x - 1.5, y - 1.5, width + 3, height + 3);
  context.strokeStyle = css(theme.text);
  context.strokeRect(x, y, width, height);
}
