// The token labels along both sides.

import { clipped } from "../frontend/canvas.js";
import { css, inkOn, mix } from "../frontend/colour.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { Scene } from "./paint.js" */

/** Labels closer than this would touch, and some are left out. */
export const LABEL_PITCH = 11;

/** How far the middle of a label keeps from the edge of the map. */
const EDGE = 5;

/**
 * @param {Theme} theme
 * @param {number} size
 * @param {boolean} bold
 */
export const labelFont = (theme, size, bold) => `${bold ? "600 " : ""}${size}px ${theme.font}`;

/**
 * A label leaves room to the next one, as far as that is readable.
 * @param {number} pitch
 */
const labelSize = (pitch) => Math.max(9, Math.min(11, Math.floor(pitch) - 2));

/**
 * The labels to draw along one side: the marked ones first, then as many others as keep their distance. The first and
 * the last one may be moved inwards, see `whole`.
 * @param {(number | null)[]} marked
 * @param {number} pitch
 * @param {[first: number, last: number]} seen
 * @param {boolean} zoomed
 */
function labelled(marked, pitch, [first, last], zoomed) {
  const fixed = [...new Set(marked)].filter((i) => i !== null && i >= first && i <= last);
  const shown = /** @type {number[]} */ ([...fixed]);
  const every = Math.max(1, Math.ceil(LABEL_PITCH / pitch));
  const distance = Math.min(LABEL_PITCH + 2, every * pitch);
  const inwards = zoomed ? 0 : Math.max(0, EDGE - pitch / 2);
  let before = -Infinity;
  for (let i = Math.ceil(first / every) * every; i <= last; i += every) {
    if (fixed.some((other) => Math.abs(Number(other) - i) * pitch < distance)) continue;
    const place = i * pitch + (i === first ? inwards : i === last ? -inwards : 0);
    if (place - before < LABEL_PITCH - 0.5) continue;
    before = place;
    shown.push(i);
  }
  return shown;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 * @param {Map<string, string>} known
 */
function shorten(context, text, width, known) {
  const id = `${context.font} ${Math.round(width)} ${text}`;
  let shown = known.get(id);
  if (shown === undefined) {
    const letters = [...text.replace(/\s+/g, " ").slice(0, 80)];
    shown = letters.join("");
    for (let n = letters.length - 1; n > 0 && context.measureText(shown).width > width; n--) {
      shown = `${letters.slice(0, n).join("")}…`;
    }
    known.set(id, shown);
  }
  return shown;
}

/**
 * The first and the last row or column on screen.
 * @param {number} scrolled
 * @param {number} room
 * @param {number} size
 * @param {number} count
 * @returns {[first: number, last: number]}
 */
function seen(scrolled, room, size, count) {
  return [Math.max(0, Math.floor(scrolled / size)), Math.min(count - 1, Math.ceil((scrolled + room) / size) - 1)];
}

/**
 * The middle of a label. When everything fits, the first and the last label are kept whole; when zoomed, they scroll
 * out with their row.
 * @param {boolean} zoomed
 * @param {number} middle
 * @param {number} start
 * @param {number} end
 */
function whole(zoomed, middle, start, end) {
  return zoomed ? middle : Math.min(end - EDGE, Math.max(start + EDGE, middle));
}

/** @param {Scene} scene */
export function drawLabels(scene) {
  scene.context.textBaseline = "middle";
  drawRowLabels(scene);
  drawColumnLabels(scene);
}

/** @param {Scene} scene */
function drawRowLabels(scene) {
  const { context, state, layout, scroll, yOf } = scene;
  const { left, top, height, cell } = layout;
  const pointed = state.place?.row ?? null;
  clipped(context, [0, top, left, height - top], () => {
    const rows = seen(scroll.top, height - top, cell.height, layout.rows);
    for (const row of labelled([state.selected, pointed], cell.height, rows, state.zoomed)) {
      drawLabel(scene, state.tokens[row], {
        marked: row === state.selected,
        pointed: row === pointed,
        size: labelSize(cell.height),
        room: left - 8,
        x: left - 4,
        y: whole(state.zoomed, yOf(row) + cell.height / 2, top, height),
        turned: false,
        align: "right",
      });
    }
  });
}

/** @param {Scene} scene */
function drawColumnLabels(scene) {
  const { context, state, layout, scroll, xOf } = scene;
  const { left, top, width, cell, upright } = layout;
  const pointed = state.place?.column ?? null;
  clipped(context, [left, 0, width - left, top], () => {
    const columns = seen(scroll.left, width - left, cell.width, layout.columns);
    for (const column of labelled([state.selectedColumn, pointed], cell.width, columns, state.zoomed)) {
      drawLabel(scene, state.keys[column], {
        marked: column === state.selectedColumn,
        pointed: column === pointed,
        size: labelSize(cell.width),
        room: upright ? cell.width : top - 6,
        x: whole(state.zoomed, xOf(column) + cell.width / 2, left, width),
        y: upright ? top - 9 : top - 4,
        turned: !upright,
        align: upright ? "center" : "left",
      });
    }
  });
}

/**
 * @typedef {object} Label
 * @property {boolean} marked
 * @property {boolean} pointed
 * @property {number} size
 * @property {number} room how wide the text may be
 * @property {number} x
 * @property {number} y
 * @property {boolean} turned whether it runs upwards
 * @property {"right" | "left" | "center"} align
 */

/**
 * @param {Scene} scene
 * @param {string} token
 * @param {Label} label
 */
function drawLabel({ context, theme, shortened }, token, { marked, pointed, size, room, x, y, turned, align }) {
  context.save();
  context.translate(x, y);
  if (turned) context.rotate(-Math.PI / 2);
  context.font = labelFont(theme, size, marked || pointed);
  context.textAlign = align;
  const text = shorten(context, token, room, shortened);
  if (marked) {
    const width = context.measureText(text).width + 4;
    const start = { right: -width + 2, left: -2, center: -width / 2 }[align];
    context.fillStyle = css(theme.primary);
    context.fillRect(start, -size * 0.6, width, size * 1.2);
    context.fillStyle = css(inkOn(theme.primary));
  } else {
    context.fillStyle = css(pointed ? theme.text : mix(theme.background, theme.text, 0.75));
  }
  context.fillText(text, 0, 0.5);
  context.restore();
}
