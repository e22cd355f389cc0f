// Pointer and keyboard.

import { indexUnder } from "../frontend/dom.js";
import { listenToKeys } from "../frontend/input.js";
/** @import { HeadsMap } from "./heads_map.js" */

/** @param {HeadsMap} map */
export function listen(map) {
  const { state } = map;
  const { grid } = map.parts;
  /** @param {Event} event */
  const headUnder = (event) => state.order[indexUnder(event, map.cells, "gridcell")] ?? null;
  /** @param {Event} event */
  const point = (event) => {
    const index = headUnder(event);
    if (index !== null) map.describe(index);
  };
  grid.addEventListener("click", (event) => {
    const index = headUnder(event);
    const layer = layerUnder(event);
    if (index !== null) map.choose(index);
    else if (layer !== null) map.switchLayer(layer);
  });
  grid.addEventListener("pointerover", point);
  grid.addEventListener("focusin", point);
  grid.addEventListener("pointerleave", () => map.describe(state.selected));
  listenToKeys(grid, commands(map), { control: true, except: ".heads-layer" });
}

/** @param {Event} event */
function layerUnder({ target }) {
  return target instanceof HTMLElement && target.matches(".heads-layer") ? Number(target.dataset.layer) : null;
}

/** @param {HeadsMap} map */
function commands(map) {
  const { state } = map;
  const moveTo = (/** @type {number} */ place) => map.moveTo(state.order[place]);
  const at = () => state.places.get(state.cursor) ?? 0;
  const column = () => at() % map.across;
  const last = () => state.order.length - 1;
  // When heads are ordered, the next head is the next in that order, also at the end of a row.
  const wraps = () => state.arrangement.ordered;
  return {
    next: () => moveTo(wraps() || column() < map.across - 1 ? Math.min(at() + 1, last()) : at()),
    previous: () => moveTo(wraps() || column() > 0 ? Math.max(at() - 1, 0) : at()),
    down: () => moveTo(at() + map.across <= last() ? at() + map.across : at()),
    up: () => moveTo(at() >= map.across ? at() - map.across : at()),
    home: () => moveTo(at() - column()),
    end: () => moveTo(Math.min(at() - column() + map.across - 1, last())),
    first: () => moveTo(0),
    last: () => moveTo(last()),
    choose: () => map.choose(state.cursor),
  };
}
