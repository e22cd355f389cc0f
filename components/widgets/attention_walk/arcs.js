// The arcs from one token to those it attends to, and the tint of those.

import { css, inkOn } from "../frontend/colour.js";
import { setAttributes, setText } from "../frontend/dom.js";
import { colourAt } from "../frontend/theme.js";
/** @import { Theme } from "../frontend/theme.js" */

const SVG = "http://www.w3.org/2000/svg";
const LEAST_SHOWN = 0.015; // rounds to two percent; a thinner arc could hardly be seen
const ARC_LEVEL = 190; // the level with the colour of all arcs
const SHARE_OF_DISTANCE = 0.55; // how far an arc bends away from the tokens
const NEAREST = 26; // in pixels, of an arc to the next token
const BESIDE = 8; // in pixels, from the percentages to the arcs beside them

/** @typedef {{ query: number, weights: number[], upright: boolean }} Shown */

export function createArcs() {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("class", "arcs");
  node.setAttribute("aria-hidden", "true");
  return node;
}

/** @param {number} weight */
export const percentText = (weight) => `${Math.round(100 * weight)}%`;

/**
 * @param {HTMLElement} option
 * @param {number} weight
 * @param {Theme} theme
 */
export function drawToken(option, weight, theme) {
  const [text, share] = option.children;
  const colour = colourAt(theme.weights, Math.round(255 * Math.sqrt(Math.min(1, weight))));
  if (text instanceof HTMLElement) {
    const tinted = weight >= LEAST_SHOWN;
    text.style.background = tinted ? css(colour) : "";
    text.style.color = tinted ? css(inkOn(colour)) : "";
  }
  setText(share, weight >= LEAST_SHOWN ? percentText(weight) : "");
  setAttributes(option, { "data-percent": Math.round(100 * weight) });
}

/**
 * @param {SVGSVGElement} svg
 * @param {HTMLElement} stage
 * @param {HTMLElement[]} options
 * @param {Shown} shown
 * @param {Theme} theme
 */
export function drawArcs(svg, stage, options, { query, weights, upright }, theme) {
  const box = stage.getBoundingClientRect();
  const room = upright ? box.right : box.top; // where the farthest arc ends
  const boxes = options.map((option) => (upright ? option : option.children[0]).getBoundingClientRect());
  const edge = upright ? Math.max(...boxes.map((one) => one.right)) + BESIDE : Math.min(...boxes.map((one) => one.top));
  const most = Math.abs(room - edge) / 0.75; // a curve reaches three quarters of the way to its control points
  const middles = boxes.map((one) => (upright ? (one.top + one.bottom) / 2 : (one.left + one.right) / 2));
  svg.replaceChildren(
    ...weights.flatMap((weight, key) => {
      if (weight < LEAST_SHOWN || key === query) return [];
      const away = Math.min(most, NEAREST + SHARE_OF_DISTANCE * Math.abs(middles[key] - middles[query]));
      const path = document.createElementNS(SVG, "path");
      setAttributes(path, {
        class: "arc",
        d: upright
          ? upCurve(edge - box.left, middles[query] - box.top, middles[key] - box.top, away)
          : overCurve(edge - box.top, middles[query] - box.left, middles[key] - box.left, away),
        pathLength: 1,
        stroke: css(colourAt(theme.weights, ARC_LEVEL)),
        "stroke-width": (1.5 + 9 * weight).toFixed(2),
        "stroke-opacity": (0.35 + 0.6 * weight).toFixed(2),
        "data-testid": "attention-walk-arc",
        "data-key": key,
      });
      return [path];
    }),
  );
}

/**
 * @param {number} y
 * @param {number} from
 * @param {number} to
 * @param {number} away
 */
const overCurve = (y, from, to, away) => `M${from} ${y} C${from} ${y - away} ${to} ${y - away} ${to} ${y}`;

/**
 * @param {number} x
 * @param {number} from
 * @param {number} to
 * @param {number} away
 */
const upCurve = (x, from, to, away) => `M${x} ${from} C${x + away} ${from} ${x + away} ${to} ${x} ${to}`;
