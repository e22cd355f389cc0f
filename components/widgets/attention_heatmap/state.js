// What the heatmap shows: the weights, the selection, the hovered cell, the cursor and the zoom.

import { signed, weightText } from "../frontend/text.js";

/**
 * What Python sends with the levels.
 * @typedef {object} Header
 * @property {string} version names the tokens
 * @property {string} label
 * @property {string[]} tokens one for each row
 * @property {string[] | null} keys one for each column, if these are not the tokens
 * @property {number | null} selected
 * @property {number | null} selectedKey
 * @property {boolean} pairs whether a click on a cell chooses its column's token too, as the second of a pair
 * @property {number | null} second the second token of the chosen pair
 * @property {number} step the weight of one level
 * @property {number} height in CSS pixels
 * @property {number} zero the level of weight 0: above 0 for differences
 * @property {number | null} full the weight with the full colour; null: the largest
 * @property {[number, number][] | null} inside the columns of each row that can have a weight, [start, stop); null: all
 */

/** @typedef {{ row: number, column: number }} Cell */

/** @typedef {{ row: number | null, column: number | null }} Place a cell, or a label: one of the two is null */

export class HeatmapState {
  levels = new Uint16Array(); // (query, key)
  peak = 0; // the farthest level from zero
  /** @type {Cell} */
  cursor = { row: 0, column: 0 };
  /** @type {Place | null} */
  pointed = null;
  byKeyboard = false; // whether the cursor is shown
  /** @type {number | null} */
  cellSize = null; // null: as large as fits

  /** @param {Header} header */
  constructor(header) {
    this.header = header;
    this.selected = header.selected;
    this.#reset();
  }

  /**
   * Accepts new data, or a new selection in the same data, to which the cursor moves.
   * @param {Header} header
   * @param {number | null} selected
   */
  accept(header, selected) {
    const other = this.header.version !== header.version;
    const moved = this.selected !== selected;
    this.header = header;
    this.selected = selected;
    if (other) this.#reset();
    else if (moved && selected !== null && selected !== this.cursor.row) this.#startAtSelection();
  }

  /** @param {Uint16Array<ArrayBuffer>} levels */
  takeLevels(levels) {
    this.levels = levels;
    this.peak = 0;
    for (const level of levels) this.peak = Math.max(this.peak, Math.abs(level - this.header.zero));
  }

  #reset() {
    this.cellSize = null;
    this.pointed = null;
    this.#startAtSelection();
  }

  #startAtSelection() {
    this.cursor = { row: this.selected ?? 0, column: this.selectedColumn ?? 0 };
  }

  get tokens() {
    return this.header.tokens;
  }

  get keys() {
    return this.header.keys ?? this.header.tokens;
  }

  /** Rows and columns are the same tokens: a selected token marks both. */
  get square() {
    return !this.header.keys;
  }

  get selectedColumn() {
    return this.square ? this.selected : this.header.selectedKey;
  }

  /** The column of the chosen pair's second token. */
  get second() {
    return this.selected === null ? null : this.header.second;
  }

  get zoomed() {
    return this.cellSize !== null;
  }

  /** The level with the full colour. */
  get full() {
    return Math.max(this.peak, (this.header.full ?? 0) / this.header.step);
  }

  /** What the readout describes: the cell under the pointer, or the cursor while it is shown. */
  get place() {
    return this.pointed ?? (this.byKeyboard ? this.cursor : null);
  }

  /**
   * @param {number} row
   * @param {number} column
   */
  weight(row, column) {
    return (this.levels[row * this.keys.length + column] - this.header.zero) * this.header.step;
  }

  /** @param {number} row */
  strongestColumn(row) {
    let column = 0;
    const size = (/** @type {number} */ key) => Math.abs(this.weight(row, key));
    for (let i = 1; i < this.keys.length; i++) if (size(i) > size(column)) column = i;
    return column;
  }

  /**
   * A place in words. Odd parts are tokens.
   * @param {Place} place
   */
  sentence({ row, column }) {
    if (row === null) return ["to ", this.keys[column ?? 0]];
    if (column === null) return ["from ", this.tokens[row]];
    const weight = this.weight(row, column);
    const [start, stop] = this.header.inside?.[row] ?? [0, this.keys.length];
    const outside = column < start || column >= stop ? ", outside the window" : "";
    const told = (this.header.zero ? signed(weight) : weightText(weight)) + outside;
    return ["from ", this.tokens[row], " → to ", this.keys[column], `: ${told}`];
  }
}
