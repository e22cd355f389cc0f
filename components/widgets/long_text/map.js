// The map beside a long text: every word at its place, and a frame around what is in sight.

import { crisp } from "../frontend/canvas.js";
import { css, mix } from "../frontend/colour.js";
import { divergingColour } from "../frontend/theme.js";
/** @import { Theme } from "../frontend/theme.js" */

/**
 * A word on the map, in CSS pixels; `share` is its score as a share of the largest.
 * @typedef {{ x: number, y: number, width: number, height: number, share: number }} Box
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {Box[]} boxes
 * @param {Theme} theme
 */
export function paintMap(canvas, width, height, boxes, theme) {
  const context = crisp(canvas, width, height);
  const faint = css(mix(theme.background, theme.text, 0.18));
  for (const box of boxes) {
    context.fillStyle = Math.abs(box.share) < 0.1 ? faint : css(divergingColour(theme, box.share));
    context.fillRect(box.x, box.y, box.width, box.height);
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {{ start: number, size: number }} frame
 * @param {Theme} theme
 */
export function paintSight(canvas, width, height, frame, theme) {
  const context = crisp(canvas, width, height);
  context.strokeStyle = css(mix(theme.background, theme.text, 0.8));
  context.lineWidth = 1.5;
  context.strokeRect(1, frame.start + 1, width - 2, Math.min(frame.size, height - frame.start) - 2);
}
