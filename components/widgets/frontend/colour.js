// Colours, mixed in OKLab so that steps look uniform.

import { context2d } from "./canvas.js";

/** @typedef {number[]} Colour red, green and blue, 0 to 255 */

const swatch = context2d(Object.assign(document.createElement("canvas"), { width: 1, height: 1 }), {
  willReadFrequently: true,
});

/**
 * @param {string} text any CSS colour
 * @param {Colour} fallback
 * @returns {Colour}
 */
export function parseColour(text, fallback) {
  if (!text || text === "unset") return fallback;
  swatch.clearRect(0, 0, 1, 1);
  swatch.fillStyle = "#000";
  swatch.fillStyle = text;
  swatch.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = swatch.getImageData(0, 0, 1, 1).data;
  return alpha === 0 ? fallback : [red, green, blue];
}

/** @param {number} c */
const toLinear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
/** @param {number} c */
const fromLinear = (c) => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);

/** @param {Colour} rgb */
function toOklab(rgb) {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {number[]} lab */
function fromOklab([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => Math.round(255 * fromLinear(Math.min(1, Math.max(0, c)))));
}

/**
 * @param {Colour} from
 * @param {Colour} to
 * @param {number} share
 * @returns {Colour}
 */
export function mix(from, to, share) {
  const a = toOklab(from);
  const b = toOklab(to);
  return fromOklab(a.map((value, i) => value + share * (b[i] - value)));
}

/** @param {Colour} rgb */
export const css = (rgb) => `rgb(${rgb.join(" ")})`;

/** @param {Colour} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * Black or white, whichever is more readable: on any colour one of the two has a contrast above 4.5.
 * @param {Colour} rgb
 * @returns {Colour}
 */
export function inkOn(rgb) {
  return luminance(rgb) > 0.179 ? [0, 0, 0] : [255, 255, 255];
}

/**
 * @param {Colour} a
 * @param {Colour} b
 */
function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * The colour, moved towards the text colour until it differs from the background in lightness, not only in hue.
 * @param {Colour} colour
 * @param {Colour} background
 * @param {Colour} text
 */
export function standingOut(colour, background, text) {
  let share = 0;
  while (share < 1 && contrast(mix(colour, text, share), background) < 4.5) share += 0.05;
  return mix(colour, text, share);
}
