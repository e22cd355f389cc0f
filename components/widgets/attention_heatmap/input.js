// Pointer, keyboard and zoom.

import { listenToKeys, PAGE } from "../frontend/input.js";
import { placeAt } from "./layout.js";
/** @import { Heatmap } from "./attention_heatmap.js" */

const READING_CELL = 16;

/** @param {Heatmap} heatmap */
export function listen(heatmap) {
  listenToPointer(heatmap);
  listenToKeyboard(heatmap);
  listenToZoom(heatmap);
}

/**
 * Where in the box an event happened, in CSS pixels.
 * @param {MouseEvent} event
 * @param {Element} box
 */
function pointIn(event, box) {
  const frame = box.getBoundingClientRect();
  return { x: event.clientX - frame.left, y: event.clientY - frame.top };
}

/** @param {Heatmap} heatmap */
function listenToPointer(heatmap) {
  const { state } = heatmap;
  const { box } = heatmap.parts;
  const placeOf = (/** @type {MouseEvent} */ event) =>
    heatmap.layout && placeAt(heatmap.layout, box, pointIn(event, box));
  box.addEventListener("pointermove", (event) => heatmap.point(placeOf(event)));
  box.addEventListener("pointerdown", (event) => {
    if (state.byKeyboard) heatmap.byKeyboard(false);
    heatmap.point(placeOf(event));
  });
  box.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") heatmap.point(null); // after a touch, the readout stays
  });
  box.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place) click(heatmap, place.row, place.column);
  });
  box.addEventListener("scroll", heatmap.repaint, { passive: true });
}

/**
 * A click on a cell selects its row, and with it its column where pairs are chosen; on a label, it selects the row or
 * column, or deselects it.
 * @param {Heatmap} heatmap
 * @param {number | null} row
 * @param {number | null} column
 */
function click(heatmap, row, column) {
  const { state } = heatmap;
  if (row !== null && column !== null) {
    state.cursor = { row, column };
    heatmap.selectCell(row, column);
  } else if (row !== null) {
    heatmap.select(row, true);
  } else if (column !== null) {
    if (state.square) heatmap.select(column, true);
    else heatmap.selectKey(column);
  }
}

/** @param {Heatmap} heatmap */
function listenToKeyboard(heatmap) {
  const { state } = heatmap;
  const { box } = heatmap.parts;
  const showCursor = () => {
    heatmap.point(null);
    heatmap.byKeyboard(true);
  };
  const moveTo = (/** @type {number} */ row, /** @type {number} */ column) => {
    showCursor();
    heatmap.moveTo(row, column);
  };
  const moveBy = (/** @type {number} */ rows, /** @type {number} */ columns) =>
    moveTo(state.cursor.row + rows, state.cursor.column + columns);
  listenToKeys(
    box,
    {
      next: () => moveBy(0, 1),
      previous: () => moveBy(0, -1),
      down: () => moveBy(1, 0),
      up: () => moveBy(-1, 0),
      pageDown: () => moveBy(PAGE, 0),
      pageUp: () => moveBy(-PAGE, 0),
      home: () => moveTo(state.cursor.row, 0),
      end: () => moveTo(state.cursor.row, Infinity),
      first: () => moveTo(0, 0),
      last: () => moveTo(Infinity, Infinity),
      choose: (event) => {
        showCursor();
        if (event.shiftKey) heatmap.selectCell(state.cursor.row, state.cursor.column);
        else heatmap.select(state.cursor.row, true);
      },
    },
    { control: true },
  );
  box.addEventListener("focus", () => {
    if (box.matches(":focus-visible")) state.byKeyboard = true;
    heatmap.repaint();
  });
  box.addEventListener("blur", () => heatmap.byKeyboard(false));
}

/** @param {Heatmap} heatmap */
function listenToZoom(heatmap) {
  const { box, zoomButton } = heatmap.parts;
  // A pinch on a touchpad arrives as a wheel event with the control key.
  const pinch = (/** @type {WheelEvent} */ event) => {
    if (!event.ctrlKey || !heatmap.layout) return;
    event.preventDefault();
    const { x, y } = pointIn(event, box);
    heatmap.zoomTo(heatmap.layout.cell.height * Math.exp(-event.deltaY / 200), x, y);
  };
  box.addEventListener("wheel", pinch, { passive: false });
  zoomButton.addEventListener("click", () => {
    const { layout, state } = heatmap;
    if (!layout) return;
    const { left, top, cell } = layout;
    if (state.zoomed) heatmap.zoomTo(0, left, top);
    else {
      // towards the selection, if there is one
      const x = left + ((state.selectedColumn ?? 0) + 0.5) * cell.width;
      const y = top + ((state.selected ?? 0) + 0.5) * cell.height;
      heatmap.zoomTo(READING_CELL, x, y);
    }
  });
}
