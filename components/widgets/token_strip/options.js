// The tokens of the strip, as options of a listbox.

import { css, inkOn } from "../frontend/colour.js";
import { element, setAttributes, setText } from "../frontend/dom.js";
import { signed } from "../frontend/text.js";
import { divergingColour } from "../frontend/theme.js";
/** @import { Theme } from "../frontend/theme.js" */

/**
 * @typedef {object} Token
 * @property {string} text
 * @property {string} raw as the tokenizer writes it
 * @property {keyof typeof KINDS} kind
 * @property {number | null} score
 * @property {boolean} joined to the token before
 * @property {string} note
 */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version names the tokens
 * @property {string} label
 * @property {string} legend
 * @property {number | null} selected
 * @property {boolean} pairs whether Shift and a click choose a second token
 * @property {number | null} second the second token of the chosen pair
 * @property {number} scale the score with the full colour
 * @property {boolean} signed whether the scale has a negative half
 * @property {boolean} scored whether a token has a score, and the scale is to be drawn
 * @property {boolean} large
 * @property {boolean} selectable whether a click selects
 * @property {Token[]} tokens
 */

const KINDS = {
  special: "special token",
  word: "",
  piece: "part of a word",
  unknown: "not in the vocabulary",
  masked: "masked",
};

/**
 * What to report about a token in addition to its text.
 * @param {Token} token
 */
export function facts({ kind, score }) {
  return [KINDS[kind], score === null ? "" : `score ${signed(score)}`];
}

/**
 * The pieces of the word that a token belongs to.
 * @param {Token[]} tokens
 * @param {number | null} index
 */
export function wordAround(tokens, index) {
  /** @type {Set<number>} */
  const word = new Set();
  if (index === null || !tokens[index]) return word;
  let first = index;
  while (first > 0 && tokens[first].joined) first--;
  word.add(first);
  for (let next = first + 1; tokens[next]?.joined; next++) word.add(next);
  return word;
}

/** @param {number} index */
export function createOption(index) {
  const option = element("span", "", { role: "option", "data-testid": "token-strip-token", "data-index": index });
  // The direction applies to the text only: on the box it would swap the margins between tokens.
  option.append(element("bdi", "", { dir: "auto" }));
  return option;
}

/**
 * @param {HTMLElement} option
 * @param {number} index
 * @param {Data} data
 * @param {Theme} theme
 */
export function drawOption(option, index, { tokens, scale }, theme) {
  const token = tokens[index];
  const joins = tokens[index + 1]?.joined ?? false;
  option.className = [
    "token eased ellipsis",
    `kind-${token.kind}`,
    token.joined ? "joined" : "",
    joins ? "joins" : "",
    token.score === null ? "" : "scored data-colour",
  ].join(" ");
  if (option.firstElementChild) setText(option.firstElementChild, token.text);
  setAttributes(option, { "aria-label": [token.text, ...facts(token)].filter(Boolean).join(", ") });
  if (token.score === null) {
    option.style.background = option.style.color = "";
  } else {
    const colour = divergingColour(theme, scale > 0 ? token.score / scale : 0);
    option.style.background = css(colour);
    option.style.color = css(inkOn(colour));
  }
}

/**
 * The nearest option on the next line up or down, or the same option if there is none.
 * @param {HTMLElement[]} options
 * @param {number} index
 * @param {1 | -1} step
 */
export function onNextLine(options, index, step) {
  const start = options[index].getBoundingClientRect();
  const away = (/** @type {DOMRect} */ rect) => Math.abs((rect.left + rect.right) / 2 - (start.left + start.right) / 2);
  let best = { index, distance: Infinity };
  /** @type {number | null} */
  let line = null;
  for (let i = index + step; i >= 0 && i < options.length; i += step) {
    const rect = options[i].getBoundingClientRect();
    if (Math.abs(rect.top - start.top) < rect.height / 2) continue;
    if (line !== null && Math.abs(rect.top - line) > rect.height / 2) break;
    line = rect.top;
    if (away(rect) < best.distance) best = { index: i, distance: away(rect) };
  }
  return best.index;
}
