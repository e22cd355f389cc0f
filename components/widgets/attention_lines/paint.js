// The lines on the canvas, and the colours of the tokens at their ends.

import { crisp } from "../frontend/canvas.js";
import { css, inkOn } from "../frontend/colour.js";
import { colourAt } from "../frontend/theme.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { LinesState } from "./state.js" */
/** @import { TokenList } from "./token_list.js" */

export const LINE_PITCH = 20; // the height of a token
const CONTEXT = 0.18; // how strong the other lines remain while a token is selected
const LINE_LEVEL = 190; // the level with the colour of all lines

/** @typedef {{ from: number, to: number, strength: number, share: number }} Line */

/** @typedef {{ top: number, height: number }} Visible part of the content */

/**
 * The lines on screen, the weakest first, so that the strongest are drawn over them; those of the chosen token last.
 * They are already sorted by weight, so the search stops as soon as enough are found.
 * @param {LinesState} state
 * @param {Visible} visible
 * @param {number} most
 */
function linesOnScreen(state, { top, height }, most) {
  const { levels, order, peak, pointed, focus } = state;
  const columns = state.header.keys.length;
  const yOf = (/** @type {number} */ index) => (index + 0.5) * LINE_PITCH - top;
  /** @type {Line[]} */
  const own = [];
  /** @type {Line[]} */
  const others = [];
  for (const place of order) {
    const query = Math.floor(place / columns);
    const key = place % columns;
    const isOwn = !focus || (focus.axis === "query" ? query : key) === focus.index;
    if (!isOwn && pointed) continue; // hovering over a token shows only its lines
    const from = yOf(query);
    const to = yOf(key);
    if (Math.max(from, to) < 0 || Math.min(from, to) > height) continue;
    const strength = Math.sqrt(levels[place] / peak);
    (isOwn ? own : others).push({ from, to, strength, share: isOwn ? 1 : CONTEXT });
    if (own.length + others.length === most) break;
  }
  return { lines: [...others.reverse(), ...own.reverse()], own: own.length };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {LinesState} state
 * @param {Theme} theme
 * @param {number} width
 * @param {Visible} visible
 * @param {number} most
 * @returns the number of lines of the chosen token, or of all lines if none is chosen
 */
export function paintLines(canvas, state, theme, width, visible, most) {
  const context = crisp(canvas, width, visible.height);
  const { lines, own } = linesOnScreen(state, visible, most);
  context.strokeStyle = css(colourAt(theme.weights, LINE_LEVEL));
  for (const { from, to, strength, share } of lines) {
    context.globalAlpha = share * Math.max(0.04, strength ** 1.5);
    context.lineWidth = 0.75 + 2.25 * strength;
    context.beginPath();
    context.moveTo(0, from);
    context.bezierCurveTo(width / 2, from, width / 2, to, width, to);
    context.stroke();
  }
  context.globalAlpha = 1;
  return own;
}

/**
 * The colours of a token by the level of its weight.
 * @param {Theme} theme
 */
export function tintsOf(theme) {
  return Array.from({ length: 256 }, (_, level) => {
    const colour = colourAt(theme.weights, level);
    return { paper: css(colour), ink: css(inkOn(colour)) };
  });
}

/**
 * Colours the tokens on screen at the other ends of the chosen token's lines by their weight.
 * @param {TokenList} list
 * @param {LinesState} state
 * @param {ReturnType<typeof tintsOf>} tints
 * @param {Visible} visible
 */
export function paintTokens(list, state, tints, { top, height }) {
  const { focus, peak } = state;
  const levelOf = (/** @type {number} */ index) => {
    const share = focus && focus.axis !== list.axis && peak ? state.level(focus, index) / peak : 0;
    return share > 0 ? Math.max(1, Math.round(255 * Math.sqrt(share))) : 0;
  };
  list.tint(Math.floor(top / LINE_PITCH), Math.ceil((top + height) / LINE_PITCH), levelOf, tints);
  list.point(focus?.axis === list.axis ? focus.index : null);
}
