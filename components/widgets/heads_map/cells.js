// The grid of transparent cells over the canvas: it handles hover, focus, clicks and names, so that nothing is redrawn
// while the pointer moves.

import { element, setAttributes } from "../frontend/dom.js";
import { NAME_HEIGHT } from "./layout.js";
/** @import { Layout } from "./layout.js" */
/** @import { HeadsState } from "./state.js" */

/**
 * One cell for each head, in layout order.
 * @param {HeadsState} state
 */
export function createCells(state) {
  return state.order.map((index) =>
    element("div", "heads-cell", {
      role: "gridcell",
      "data-testid": "heads-map-cell",
      "data-layer": state.layerOf(index),
      "data-head": state.headOf(index),
    })
  );
}

/**
 * Fills the grid with rows of `across` cells; a row that is a layer begins with the layer's button.
 * @param {HTMLElement} grid
 * @param {HTMLElement[]} cells
 * @param {HeadsState} state
 * @param {number} across
 */
export function layCells(grid, cells, state, across) {
  const rows = [];
  for (let start = 0; start < cells.length; start += across) {
    const row = element("div", "heads-row", { role: "row" });
    if (!state.arrangement.ordered) row.append(createLayerButton(start / across));
    row.append(...cells.slice(start, start + across));
    rows.push(row);
  }
  grid.replaceChildren(...rows);
  setAttributes(grid, { "aria-rowcount": rows.length, "aria-colcount": across });
}

/** @param {number} layer */
function createLayerButton(layer) {
  return element("button", "heads-layer", {
    type: "button",
    role: "rowheader",
    tabindex: -1,
    "data-testid": "heads-map-layer",
    "data-layer": layer,
  });
}

/**
 * @param {HTMLElement} grid
 * @returns {NodeListOf<HTMLButtonElement>}
 */
const layerButtons = (grid) => grid.querySelectorAll("button.heads-layer");

/**
 * @param {HTMLElement} grid
 * @param {boolean} switches
 */
export function nameLayers(grid, switches) {
  layerButtons(grid).forEach((button, layer) => {
    button.disabled = !switches;
    setAttributes(button, {
      "aria-label": switches ? `Switch all heads of layer ${layer + 1}` : `Layer ${layer + 1}`,
      tabindex: switches ? 0 : -1,
    });
  });
}

/**
 * @param {HTMLElement[]} cells
 * @param {HeadsState} state
 */
export function markCells(cells, state) {
  const { selected, cursor, switchedOff, header } = state;
  cells.forEach((cell, place) => {
    const index = state.order[place];
    setAttributes(cell, {
      "aria-label": state.spoken(index),
      "aria-selected": index === selected && !header.switches,
      "data-off": switchedOff.has(index),
      "data-dimmed": Boolean(header.dimmed?.[index]),
      tabindex: index === cursor ? 0 : -1,
    });
  });
}

/**
 * Positions the grid over the thumbnails.
 * @param {HTMLElement} grid
 * @param {HeadsState} state
 * @param {Layout} layout
 */
export function placeGrid(grid, state, { across, left, top, step, wide, broad, side }) {
  grid.style.inset = `${top}px 0 0 ${left}px`;
  grid.classList.toggle("heads-switches", state.header.switches);
  layerButtons(grid).forEach((button, layer) => (button.style.top = `${step * layer}px`));
  grid.style.setProperty("--step", `${step}px`);
  grid.style.setProperty("--side", `${side + (state.arrangement.ordered ? NAME_HEIGHT : 0)}px`);
  grid.style.setProperty("--wide", `${broad}px`);
  grid.style.gridTemplateColumns = `repeat(${across}, ${wide}px)`;
}
