// The canvas: thumbnails, with values, marks of heads that are off, and names.

import { crisp, picture, pixelRatio } from "../frontend/canvas.js";
import { css, mix } from "../frontend/colour.js";
import { HEAD_GAP, NAME_HEIGHT } from "./layout.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { Layout } from "./layout.js" */
/** @import { Header, HeadsState } from "./state.js" */

const DIMMED = 0.18;

/**
 * All thumbnails in one column: head i is the i-th block of rows.
 * @param {Header} header
 * @param {Uint8Array} pixels
 * @param {Theme} theme
 */
export function thumbnails({ rows, columns, layers, heads, signed }, pixels, theme) {
  return picture(pixels, columns, rows * layers * heads, signed ? theme.differences : theme.weights);
}

/**
 * @typedef {object} Scene
 * @property {CanvasRenderingContext2D} context
 * @property {HeadsState} state
 * @property {Layout} layout
 * @property {Theme} theme
 * @property {HTMLCanvasElement} image
 * @property {string} ink of numbers and names
 * @property {string} rim of thumbnails
 */

/** @typedef {{ x: number, y: number, broad: number, side: number }} Frame of a thumbnail */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HeadsState} state
 * @param {Layout} layout
 * @param {Theme} theme
 * @param {HTMLCanvasElement} image
 */
export function paint(canvas, state, layout, theme, image) {
  const context = crisp(canvas, layout.width, layout.height);
  const ink = css(mix(theme.background, theme.text, 0.72));
  const rim = css(mix(theme.background, theme.text, 0.18));
  const scene = { context, state, layout, theme, image, ink, rim };
  context.font = `10px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.imageSmoothingEnabled = layout.side * pixelRatio() < state.header.columns;
  context.imageSmoothingQuality = "high";
  if (!state.arrangement.ordered) drawNumbers(scene);
  state.order.forEach((index, place) => drawHead(scene, index, frameAt(layout, place)));
}

/**
 * @param {Layout} layout
 * @param {number} place
 * @returns {Frame}
 */
function frameAt({ across, left, top, step, wide, broad, side }, place) {
  return { x: left + wide * (place % across), y: top + step * Math.floor(place / across), broad, side };
}

/** @param {Scene} scene */
function drawNumbers({ context, state, layout, ink }) {
  const { left, top, step, wide, side } = layout;
  context.fillStyle = ink;
  for (let head = 0; head < state.header.heads; head++) {
    context.fillText(String(head + 1), left + wide * head + (wide - HEAD_GAP) / 2, top / 2);
  }
  for (let layer = 0; layer < state.header.layers; layer++) {
    context.fillText(String(layer + 1), left / 2 - 2, top + step * layer + side / 2);
  }
}

/**
 * @param {Scene} scene
 * @param {number} index
 * @param {Frame} frame
 */
function drawHead(scene, index, frame) {
  const { context, state, image, ink, rim } = scene;
  const { rows, columns, values } = state.header;
  const { x, y, broad, side } = frame;
  context.globalAlpha = state.isFaint(index) ? DIMMED : 1;
  context.drawImage(image, 0, index * rows, columns, rows, x, y, broad, side);
  context.strokeStyle = rim;
  context.lineWidth = 1 / pixelRatio();
  context.strokeRect(x, y, broad, side);
  if (values) drawValue(scene, values[index], frame);
  context.globalAlpha = 1;
  if (state.switchedOff.has(index)) drawCross(scene, frame);
  if (!state.arrangement.ordered) return;
  context.fillStyle = ink;
  context.fillText(state.shortName(index), x + broad / 2, y + side + NAME_HEIGHT / 2, broad);
}

/**
 * Draws a value twice: as the length of a bar, for reading, and as the strength of the frame, for an overview.
 * @param {Scene} scene
 * @param {number} value
 * @param {Frame} frame
 */
function drawValue({ context, theme }, value, { x, y, broad, side }) {
  const bar = Math.max(2, Math.round(side / 9));
  context.fillStyle = css(theme.background);
  context.fillRect(x, y + side - bar - 1, broad, bar + 1);
  context.fillStyle = css(mix(theme.background, theme.text, 0.85));
  context.fillRect(x, y + side - bar, broad * value, bar);
  context.save();
  context.globalAlpha *= value;
  context.lineWidth = 2;
  context.strokeStyle = css(mix(theme.background, theme.text, 0.85));
  context.strokeRect(x + 1, y + 1, broad - 2, side - 2);
  context.restore();
}

/**
 * @param {Scene} scene
 * @param {Frame} frame
 */
function drawCross({ context, theme }, { x, y, broad, side }) {
  context.strokeStyle = css(mix(theme.background, theme.text, 0.8));
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x + 2, y + 2);
  context.lineTo(x + broad - 2, y + side - 2);
  context.moveTo(x + broad - 2, y + 2);
  context.lineTo(x + 2, y + side - 2);
  context.stroke();
}
