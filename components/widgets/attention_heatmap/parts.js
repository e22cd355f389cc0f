// The elements of the heatmap, and its text outside the canvas: readout, legend, text for screen readers.

import { element, setAttributes, setText } from "../frontend/dom.js";
import { createScale, drawScale } from "../frontend/scale.js";
import { signed } from "../frontend/text.js";
import { colourAt } from "../frontend/theme.js";
/** @import { Scale } from "../frontend/theme.js" */
/** @import { HeatmapState } from "./state.js" */

/** @typedef {ReturnType<typeof createParts>} Parts */

/** @param {ShadowRoot} parentElement */
export function createParts(parentElement) {
  const root = element("div", "heatmap", { "data-testid": "attention-heatmap" });
  const head = element("div", "heatmap-head");
  const readout = element("div", "heatmap-readout number", {
    "aria-hidden": "true",
    "data-testid": "attention-heatmap-readout",
  });
  const zoomButton = element("button", "heatmap-zoom", {
    type: "button",
    "data-testid": "attention-heatmap-zoom",
  });
  const box = element("div", "heatmap-box", {
    role: "grid",
    tabindex: 0,
    "aria-activedescendant": "cell",
    "data-testid": "attention-heatmap-grid",
  });
  const sizer = element("div", "heatmap-sizer", { role: "presentation" });
  const canvas = element("canvas", "heatmap-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "attention-heatmap-canvas",
  });
  // The one cell that exists for screen readers is the cell under the cursor.
  const spokenRow = element("div", "spoken", { role: "row" });
  const spokenCell = element("div", "", { role: "gridcell", id: "cell" });
  const live = element("div", "spoken", { "aria-live": "polite" });
  const legend = element("div", "heatmap-legend", { role: "img", "data-testid": "attention-heatmap-legend" });
  const scale = createScale();
  spokenRow.append(spokenCell);
  sizer.append(canvas);
  box.append(sizer, spokenRow);
  head.append(readout, zoomButton);
  legend.append(scale.bar, scale.numbers);
  root.append(head, box, legend, live);
  parentElement.append(root);
  return { root, readout, zoomButton, box, sizer, canvas, spokenRow, spokenCell, live, legend, scale };
}

/**
 * @param {Parts} parts
 * @param {HeatmapState} state
 */
export function nameGrid({ box }, { header, tokens, keys }) {
  setAttributes(box, { "aria-label": header.label, "aria-rowcount": tokens.length, "aria-colcount": keys.length });
}

/**
 * @param {Parts} parts
 * @param {HeatmapState} state
 * @param {Scale} colours
 */
export function drawLegend({ legend, scale }, { header, full }, colours) {
  const largest = full * header.step;
  // The colour follows the square root: halfway along the bar is a quarter of the largest weight.
  const marks = header.zero
    ? [-largest, 0, largest].map(signed)
    : [0, largest / 4, largest].map((value) => (value ? value.toPrecision(2) : "0"));
  drawScale(scale, (place) => colourAt(colours, Math.round(place * 255)), marks);
  setAttributes(legend, { "aria-label": `Colour scale from ${marks[0]} through ${marks[1]} to ${marks[2]}` });
}

/** @param {HeatmapState} state */
function described(state) {
  if (state.place) return state.sentence(state.place);
  if (state.selected === null) return [`Hover over a cell to read its ${state.header.zero ? "difference" : "weight"}.`];
  if (state.second !== null) return state.sentence({ row: state.selected, column: state.second });
  const parts = state.sentence({ row: state.selected, column: state.strongestColumn(state.selected) });
  parts[parts.length - 1] += ", the largest of the row";
  return parts;
}

/**
 * @param {Parts} parts
 * @param {HeatmapState} state
 */
export function describe({ readout }, state) {
  const parts = described(state);
  if (readout.dataset.shown === parts.join("\u0000")) return;
  readout.dataset.shown = parts.join("\u0000");
  readout.replaceChildren(
    ...parts.map((part, i) => {
      // Tokens are isolated, so that a right-to-left token does not reverse the sentence around it.
      const isToken = i % 2 === 1;
      const node = element(isToken ? "bdi" : "span", isToken ? "heatmap-token ellipsis" : "");
      node.textContent = part;
      return node;
    }),
  );
}

/**
 * @param {Parts} parts
 * @param {HeatmapState} state
 */
export function speak({ spokenRow, spokenCell }, state) {
  const { cursor, selected } = state;
  setAttributes(spokenRow, { "aria-rowindex": cursor.row + 1 });
  setAttributes(spokenCell, { "aria-colindex": cursor.column + 1, "aria-selected": cursor.row === selected });
  setText(spokenCell, state.sentence(cursor).join(""));
}
