// The colour bar of a legend, with its numbers.

import { css } from "./colour.js";
import { element } from "./dom.js";
/** @import { Colour } from "./colour.js" */

/**
 * The two elements of a scale, to be put into a legend.
 * @param {Record<string, unknown>} [attributes] of the numbers
 */
export function createScale(attributes) {
  return {
    bar: element("div", "scale-bar data-colour"),
    numbers: element("div", "scale-numbers muted number", attributes),
  };
}

/**
 * @param {ReturnType<typeof createScale>} scale
 * @param {(place: number) => Colour} colourOf from 0, left, to 1
 * @param {string[]} marks the numbers under the bar, from left to right
 */
export function drawScale({ bar, numbers }, colourOf, marks) {
  const stops = Array.from({ length: 17 }, (_, i) => css(colourOf(i / 16)));
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  numbers.replaceChildren(
    ...marks.map((mark) => {
      const number = element("span", "");
      number.textContent = mark;
      return number;
    }),
  );
}
