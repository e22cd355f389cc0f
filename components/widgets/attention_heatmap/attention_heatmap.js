// One head, token × token: handles Python's data and the user's actions.

import { Anticipation } from "../frontend/anticipation.js";
import { context2d } from "../frontend/canvas.js";
import { eachFrame, onResize, scrolledTo, setAttributes, setText } from "../frontend/dom.js";
import { within } from "../frontend/input.js";
import { readTheme } from "../frontend/theme.js";
import { mountMessages } from "../frontend/widget.js";
import { joinPlanes } from "../frontend/wire.js";
import { listen } from "./input.js";
import { LABEL_PITCH } from "./labels.js";
import { labelWidths, LARGEST_CELL, measure } from "./layout.js";
import { CellPictures } from "./levels.js";
import { paint } from "./paint.js";
import { createParts, describe, drawLegend, nameGrid, speak } from "./parts.js";
import { HeatmapState } from "./state.js";
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { LabelWidths, Layout } from "./layout.js" */
/** @import { Header, Place } from "./state.js" */

/** @param {Call<Uint8Array<ArrayBuffer>>} call */
export default function (call) {
  return mountMessages(call, Heatmap);
}

export class Heatmap {
  /** @type {Layout | null} */
  layout = null; // null while there is no room to draw in
  /** @type {LabelWidths | null} */
  #widest = null;
  /** @type {CellPictures | null} */
  #pictures = null;
  #shortened = new Map();
  #anticipated = new Anticipation(() => this.#show(this.state.header.selected));
  #parentElement;
  #send;
  #theme;
  #endResizing;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Header} header
   */
  constructor(parentElement, send, header) {
    this.state = new HeatmapState(header);
    this.parts = createParts(parentElement);
    this.#parentElement = parentElement;
    this.#send = send;
    this.#theme = readTheme(parentElement);
    this.repaint = eachFrame(() => this.#paint());
    this.#endResizing = onResize(this.parts.box, () => this.#draw());
    listen(this);
  }

  /**
   * @param {Header} header
   * @param {Uint8Array} body
   * @param {boolean} renewed
   */
  accept(header, body, renewed) {
    const { state, parts } = this;
    const chosen = this.#anticipated.shown(header.version, header.selected);
    const moved = state.selected !== chosen;
    state.accept(header, chosen);
    if (renewed) state.takeLevels(joinPlanes(body));
    this.#shortened.clear();
    this.#widest = null;
    this.#takeColours(renewed);
    setAttributes(parts.root, { "data-selected": state.selected ?? "" });
    parts.root.style.height = `${header.height}px`;
    nameGrid(parts, state);
    drawLegend(parts, state, this.#colours);
    speak(parts, state);
    this.#draw();
    if (moved && state.selected !== null && state.zoomed) this.#reveal(state.selected, null);
  }

  get #colours() {
    return this.state.header.zero ? this.#theme.differences : this.#theme.weights;
  }

  /** @param {boolean} renewed */
  #takeColours(renewed) {
    const theme = readTheme(this.#parentElement);
    const same = theme === this.#theme && this.#pictures?.full === this.state.full;
    this.#theme = theme;
    if (renewed || !same) this.#pictures = new CellPictures(this.state, this.#colours);
  }

  #draw() {
    this.#arrange();
    this.#paint();
  }

  // After new data or a change of size or zoom. Pointer moves and scrolling only repaint.
  #arrange() {
    const { state } = this;
    const { box, canvas, sizer, zoomButton } = this.parts;
    if (box.clientWidth === 0) return;
    this.#widest ??= labelWidths(context2d(canvas), state, this.#theme);
    const layout = measure(state, this.#widest, { width: box.clientWidth, height: box.clientHeight });
    const { rows, columns, left, top, cell, fit } = layout;
    sizer.style.width = state.zoomed ? `${left + columns * cell.width}px` : "100%";
    sizer.style.height = state.zoomed ? `${top + rows * cell.height}px` : "100%";
    this.layout = { ...layout, width: box.clientWidth, height: box.clientHeight }; // scroll bars may have appeared
    zoomButton.hidden = !state.zoomed && Math.min(fit.width, fit.height) >= LABEL_PITCH;
    setText(zoomButton, state.zoomed ? "Fit" : "Zoom in");
    setAttributes(zoomButton, { "aria-label": state.zoomed ? "Fit all tokens" : "Enlarge to reading size" });
  }

  #paint() {
    const { box, canvas } = this.parts;
    if (!this.layout || !this.#pictures || box.clientWidth === 0) return;
    paint(canvas, box, {
      state: this.state,
      layout: this.layout,
      theme: this.#theme,
      pictures: this.#pictures,
      shortened: this.#shortened,
    });
    describe(this.parts, this.state);
  }

  /** @param {Place | null} place */
  point(place) {
    const before = this.state.pointed;
    this.state.pointed = place;
    if (before?.row !== place?.row || before?.column !== place?.column) this.repaint();
  }

  /** @param {boolean} shown whether the cursor is */
  byKeyboard(shown) {
    this.state.byKeyboard = shown;
    this.repaint();
  }

  /**
   * Moves the cursor, stopping at the edges.
   * @param {number} row
   * @param {number} column
   */
  moveTo(row, column) {
    const { state, parts } = this;
    state.cursor = { row: within(row, state.tokens.length - 1), column: within(column, state.keys.length - 1) };
    if (state.zoomed) this.#reveal(state.cursor.row, state.cursor.column);
    speak(parts, state);
    setText(parts.live, state.sentence(state.cursor).join(""));
    this.repaint();
  }

  /**
   * @param {number} row
   * @param {boolean} toggles whether choosing the selected row again deselects it
   */
  select(row, toggles) {
    const { selected, header } = this.state;
    if (row === selected && !toggles) return;
    header.second = null;
    this.#show(row === selected ? null : row);
    this.#anticipated.expect(header.version, this.state.selected);
    this.#send({ version: header.version, axis: "query", index: this.state.selected ?? -1 });
  }

  /**
   * A cell is a pair of tokens where pairs are chosen; the same token twice is no pair.
   * @param {number} row
   * @param {number} column
   */
  selectCell(row, column) {
    const { state } = this;
    const { version, pairs } = state.header;
    if (!pairs || row === column) {
      this.select(row, false);
    } else if (row !== state.selected || column !== state.second) {
      state.header.second = column;
      this.#show(row);
      this.#anticipated.expect(version, row);
      this.#send({ version, axis: "query", index: row, second: column });
    }
  }

  /** @param {number} column */
  selectKey(column) {
    const { version, selectedKey } = this.state.header;
    this.#send({ version, axis: "key", index: column === selectedKey ? -1 : column });
  }

  /** @param {number | null} row */
  #show(row) {
    this.state.selected = row;
    setAttributes(this.parts.root, { "data-selected": row ?? "" });
    speak(this.parts, this.state);
    this.repaint();
  }

  /**
   * @param {number} row
   * @param {number | null} column
   */
  #reveal(row, column) {
    if (!this.layout) return;
    const { box } = this.parts;
    const { cell, left, top, width, height } = this.layout;
    box.scrollTop = scrolledTo(box.scrollTop, row * cell.height, cell.height, height - top);
    if (column === null) return;
    box.scrollLeft = scrolledTo(box.scrollLeft, column * cell.width, cell.width, width - left);
  }

  /**
   * Zooms so that the point (x, y) of the box shows the same cell as before.
   * @param {number} size of a cell
   * @param {number} x
   * @param {number} y
   */
  zoomTo(size, x, y) {
    const before = this.layout;
    if (!before) return;
    const { box } = this.parts;
    const across = (x - before.left + box.scrollLeft) / before.cell.width;
    const down = (y - before.top + box.scrollTop) / before.cell.height;
    const smallest = Math.min(before.fit.width, before.fit.height);
    this.state.cellSize = size <= smallest ? null : Math.min(LARGEST_CELL, size);
    this.#arrange();
    this.repaint();
    if (!this.state.zoomed) return;
    const { left, top, cell } = this.layout ?? before;
    box.scrollLeft = across * cell.width - (x - left);
    box.scrollTop = down * cell.height - (y - top);
  }

  destroy() {
    this.#anticipated.settle();
    this.#endResizing();
    this.repaint.cancel();
    this.parts.root.remove();
  }
}
