// The theme of the page and the colour scales of the data, which are blended from it.

import { inkOn, mix, parseColour, standingOut } from "./colour.js";
/** @import { Colour } from "./colour.js" */

/** @typedef {Uint8ClampedArray} Scale 256 colours, three numbers each */

/**
 * @typedef {object} Theme
 * @property {Colour} background
 * @property {Colour} text
 * @property {Colour} primary marks what is selected
 * @property {string} font
 * @property {Colour} negative
 * @property {Colour} positive
 * @property {Scale} weights
 * @property {Scale} differences
 */

/** The level of no difference in a scale of differences. */
export const SIGNED_ZERO = 128;

const NAMES = ["background-color", "text-color", "primary-color", "blue-color", "orange-color", "font"];

// The scale of attention weights: Streamlit's themes have no teal.
const TEAL_ON_WHITE = [20, 128, 138];
const TEAL_ON_BLACK = [92, 198, 207];

/** @type {Map<string, Theme>} */
const themes = new Map();

/**
 * The same theme is the same object, so that `!==` shows whether to redraw.
 * @param {ShadowRoot} parentElement
 * @returns {Theme}
 */
export function readTheme(parentElement) {
  const style = getComputedStyle(parentElement.host);
  const values = NAMES.map((name) => style.getPropertyValue(`--st-${name}`).trim());
  const id = values.join("|");
  const theme = themes.get(id) ?? makeTheme(values);
  themes.set(id, theme);
  return theme;
}

/**
 * @param {string[]} values
 * @returns {Theme}
 */
function makeTheme([backgroundText, textText, primaryText, blueText, orangeText, font]) {
  const background = parseColour(backgroundText, [255, 255, 255]);
  const text = parseColour(textText, inkOn(background));
  const blue = parseColour(blueText, [28, 131, 225]);
  const teal = inkOn(background)[0] === 0 ? TEAL_ON_WHITE : TEAL_ON_BLACK;
  const orange = parseColour(orangeText, [217, 90, 0]);
  const ends = {
    background,
    negative: standingOut(blue, background, text),
    positive: standingOut(orange, background, text),
  };
  return {
    ...ends,
    text,
    primary: parseColour(primaryText, blue),
    font: font || "sans-serif",
    weights: ramp([background, mix(background, teal, 0.6), mix(teal, text, 0.15), mix(teal, text, 0.65)]),
    differences: scaleOf((level) => divergingColour(ends, (level - SIGNED_ZERO) / (255 - SIGNED_ZERO))),
  };
}

/**
 * @param {(level: number) => Colour} colourOf
 * @returns {Scale}
 */
function scaleOf(colourOf) {
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) table.set(colourOf(level), level * 3);
  return table;
}

/**
 * A scale through these stops, evenly spaced.
 * @param {Colour[]} stops
 */
function ramp(stops) {
  return scaleOf((level) => {
    const place = (level / 255) * (stops.length - 1);
    const stop = Math.min(stops.length - 2, Math.floor(place));
    return mix(stops[stop], stops[stop + 1], place - stop);
  });
}

/**
 * @param {Scale} table
 * @param {number} level
 * @returns {Colour}
 */
export const colourAt = (table, level) => [...table.subarray(3 * level, 3 * level + 3)];

/**
 * The colour of a share in [-1, 1]: blue below zero, orange above, the background at zero.
 * @param {Pick<Theme, "background" | "negative" | "positive">} theme
 * @param {number} share
 */
export function divergingColour(theme, share) {
  return mix(theme.background, share < 0 ? theme.negative : theme.positive, Math.min(1, Math.abs(share)));
}
