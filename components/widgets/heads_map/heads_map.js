// The heads map: all thumbnails on one canvas and a grid of cells over it, and the handling of data and events.

import { Anticipation } from "../frontend/anticipation.js";
import { element, onResize, setAttributes, setText } from "../frontend/dom.js";
import { readTheme } from "../frontend/theme.js";
import { mountMessages } from "../frontend/widget.js";
import { createCells, layCells, markCells, nameLayers, placeGrid } from "./cells.js";
import { listen } from "./input.js";
import { boxHeight, HEAD_GAP, HEAD_TOP, headsAcross, measure } from "./layout.js";
import { paint, thumbnails } from "./paint.js";
import { HeadsState } from "./state.js";
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { Header } from "./state.js" */

const WHOLE_LAYER = -1;

/** @param {Call<Uint8Array<ArrayBuffer>>} call */
export default function (call) {
  return mountMessages(call, HeadsMap);
}

/** @param {ShadowRoot} parentElement */
function createParts(parentElement) {
  const root = element("div", "heads", { "data-testid": "heads-map" });
  const box = element("div", "heads-box");
  const board = element("div", "heads-board");
  const canvas = element("canvas", "heads-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "heads-map-canvas",
  });
  const grid = element("div", "heads-grid", { role: "grid", "data-testid": "heads-map-grid" });
  const readout = element("div", "heads-readout muted ellipsis", {
    "aria-hidden": "true",
    "data-testid": "heads-map-readout",
  });
  board.append(canvas, grid);
  box.append(board);
  root.append(box, readout);
  parentElement.append(root);
  return { root, box, board, canvas, grid, readout };
}

export class HeadsMap {
  /** @type {HTMLElement[]} */
  cells = [];
  across = 1; // heads in a row
  /** @type {HTMLCanvasElement | null} */
  #image = null;
  #parentElement;
  #send;
  #theme;
  #endResizing;
  #anticipated = new Anticipation(() => this.#select(this.state.opened));
  #anticipatedOff = new Anticipation(() => {
    this.state.off = this.state.confirmedOff;
    this.#mark();
    this.#draw();
  });

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Header} header
   */
  constructor(parentElement, send, header) {
    this.state = new HeadsState(header);
    this.parts = createParts(parentElement);
    this.#parentElement = parentElement;
    this.#send = send;
    this.#theme = readTheme(parentElement);
    this.#layOut();
    this.#endResizing = onResize(this.parts.root, () => this.#draw());
    listen(this);
  }

  /**
   * @param {Header} header
   * @param {Uint8Array} pixels
   * @param {boolean} renewed
   */
  accept(header, pixels, renewed) {
    const { state, parts } = this;
    const reshaped = state.accept(header);
    state.selected = this.#anticipated.shown(header.version, state.opened);
    state.off = this.#anticipatedOff.shown(header.version, state.confirmedOff);
    if (reshaped) this.#layOut();
    if (reshaped || renewed) state.cursor = state.selected;
    state.keepCursor();
    setAttributes(parts.root, { "data-ordered": state.arrangement.ordered });
    setAttributes(parts.grid, { "aria-label": header.label });
    this.#mark();
    nameLayers(parts.grid, header.switches);
    const theme = readTheme(this.#parentElement);
    if (renewed || theme !== this.#theme) this.#image = thumbnails(header, pixels, theme);
    this.#theme = theme;
    this.#draw();
    this.describe(state.selected);
  }

  #layOut() {
    this.cells = createCells(this.state);
    this.across = headsAcross(this.state, this.parts.root.clientWidth);
    layCells(this.parts.grid, this.cells, this.state, this.across);
  }

  #mark() {
    markCells(this.cells, this.state);
  }

  #draw() {
    const { state } = this;
    const { root, box, board, canvas, grid } = this.parts;
    if (root.clientWidth === 0 || !this.#image) return;
    this.#layInRows();
    const layout = measure(state, this.across, root.clientWidth);
    paint(canvas, state, layout, this.#theme, this.#image);
    box.style.maxHeight = `${boxHeight(state.header)}px`;
    board.style.width = `${layout.width}px`;
    board.style.height = `${layout.height}px`;
    placeGrid(grid, state, layout);
  }

  // A different width may fit a different number of heads in a row.
  #layInRows() {
    const { root, grid } = this.parts;
    const across = headsAcross(this.state, root.clientWidth);
    if (across === this.across) return;
    this.across = across;
    const focused = grid.contains(this.#parentElement.activeElement);
    layCells(grid, this.cells, this.state, across);
    if (focused) this.#cursorCell.focus({ preventScroll: true });
  }

  get #cursorCell() {
    return this.cells[this.state.places.get(this.state.cursor) ?? 0];
  }

  /** @param {number} index */
  describe(index) {
    setText(this.parts.readout, this.state.described(index));
  }

  /** @param {number} index */
  choose(index) {
    const { state } = this;
    this.moveTo(index);
    const place = { layer: state.layerOf(index), head: state.headOf(index) };
    if (state.header.switches) {
      this.#switchHeads([index], place);
      this.describe(index);
      return;
    }
    this.#select(index);
    this.#anticipated.expect(state.header.version, index);
    this.#send({ version: state.header.version, ...place });
  }

  /** @param {number} index */
  #select(index) {
    this.state.selected = index;
    this.#mark();
    this.describe(index);
  }

  /** @param {number} layer */
  switchLayer(layer) {
    const { state } = this;
    if (!state.header.switches) return;
    const heads = state.order.filter((index) => state.layerOf(index) === layer);
    this.#switchHeads(heads, { layer, head: WHOLE_LAYER });
  }

  /**
   * @param {number[]} indices
   * @param {{ layer: number, head: number }} place sent to Python
   */
  #switchHeads(indices, place) {
    const { state } = this;
    state.toggle(indices);
    this.#mark();
    this.#draw();
    this.#anticipatedOff.expect(state.header.version, state.off);
    this.#send({ version: state.header.version, ...place });
  }

  /** @param {number} index */
  moveTo(index) {
    this.state.cursor = index;
    this.#mark();
    const { box } = this.parts;
    const cell = this.#cursorCell;
    cell.focus({ preventScroll: true });
    const top = cell.offsetTop + HEAD_TOP;
    if (top < box.scrollTop + HEAD_TOP) box.scrollTop = top - HEAD_TOP;
    else if (top + cell.offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + cell.offsetHeight + HEAD_GAP - box.clientHeight;
    }
  }

  destroy() {
    this.#anticipated.settle();
    this.#anticipatedOff.settle();
    this.#endResizing();
    this.parts.root.remove();
  }
}
