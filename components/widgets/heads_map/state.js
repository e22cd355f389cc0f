// Which heads exist, in which order, and the state of each: open, under the cursor, switched off.

import { arrangementOf } from "./layout.js";

/**
 * What Python sends with the pixels. A head is identified by one index: layer · heads + head.
 * @typedef {object} Header
 * @property {string} version names the weights
 * @property {string} label
 * @property {number} layers
 * @property {number} heads in a layer
 * @property {number} rows of pixels in a thumbnail
 * @property {number} columns
 * @property {number} layer the open head
 * @property {number} head
 * @property {number} maxThumbnail the largest side of a thumbnail, in CSS pixels
 * @property {number} maxHeight of the whole
 * @property {number} maxStretch how many times wider than high a thumbnail may become
 * @property {boolean} switches whether a click switches heads instead of opening one
 * @property {boolean} signed whether the pixels are differences
 * @property {number[] | null} values 0 to 1, one for each head
 * @property {number[] | null} dimmed 1 for heads that a filter leaves out
 * @property {number[]} off the heads that are switched off
 * @property {string[]} notes one for each head, or empty
 * @property {number[] | null} order in which some or all heads are shown; null: layers down, heads across
 * @property {string[]} texts the figure under a thumbnail, in an order
 */

export class HeadsState {
  /** @type {Set<number>} */
  switchedOff = new Set();

  /** @param {Header} header */
  constructor(header) {
    this.header = header;
    this.order = orderOf(header);
    this.places = placesIn(this.order);
    this.selected = this.opened;
    this.cursor = this.selected;
  }

  /**
   * @param {Header} header
   * @returns whether the layout of the heads has changed
   */
  accept(header) {
    const { layers, heads, order } = this.header;
    this.header = header;
    if (`${layers} ${heads} ${order}` === `${header.layers} ${header.heads} ${header.order}`) return false;
    this.order = orderOf(header);
    this.places = placesIn(this.order);
    return true;
  }

  /** Moves the cursor back to an existing head. */
  keepCursor() {
    if (!this.places.has(this.cursor)) this.cursor = this.order[0];
  }

  get arrangement() {
    return arrangementOf(this.header);
  }

  get opened() {
    return this.header.layer * this.header.heads + this.header.head;
  }

  /** The heads that are off, as one string that can be compared and awaited like a selection. */
  get off() {
    return listed(this.switchedOff);
  }

  set off(text) {
    this.switchedOff = new Set(text.split(" ").filter(Boolean).map(Number));
  }

  /** The heads that are off according to Python. */
  get confirmedOff() {
    return listed(this.header.off);
  }

  /** @param {number} index */
  layerOf(index) {
    return Math.floor(index / this.header.heads);
  }

  /** @param {number} index */
  headOf(index) {
    return index % this.header.heads;
  }

  /** @param {number} index */
  isFaint(index) {
    return Boolean(this.header.dimmed?.[index]) || this.switchedOff.has(index);
  }

  /**
   * Switches all of them off, or back on if all are off.
   * @param {number[]} indices
   */
  toggle(indices) {
    const allOff = indices.every((index) => this.switchedOff.has(index));
    for (const index of indices) {
      if (allOff) this.switchedOff.delete(index);
      else this.switchedOff.add(index);
    }
  }

  /**
   * Under a thumbnail in an order: "5·10  0.62".
   * @param {number} index
   */
  shortName(index) {
    return `${this.layerOf(index) + 1}·${this.headOf(index) + 1}  ${this.header.texts[index] ?? ""}`.trimEnd();
  }

  /**
   * For screen readers.
   * @param {number} index
   */
  spoken(index) {
    const parts = [`Layer ${this.layerOf(index) + 1}, Head ${this.headOf(index) + 1}`, ...this.#said(index)];
    if (this.switchedOff.has(index)) parts.push("off");
    return parts.join(", ");
  }

  /**
   * For the line under the map.
   * @param {number} index
   */
  described(index) {
    const parts = [`Layer ${this.layerOf(index) + 1} · Head ${this.headOf(index) + 1}`];
    if (index === this.selected && !this.header.switches) parts.push("open");
    if (this.switchedOff.has(index)) parts.push("off");
    return [...parts, ...this.#said(index)].join(", ");
  }

  /** @param {number} index */
  #said(index) {
    const { order, texts, notes } = this.header;
    return [order ? texts[index] : "", notes[index]].filter(Boolean);
  }
}

/** @param {Header} header */
function orderOf({ order, layers, heads }) {
  return order ?? Array.from({ length: layers * heads }, (_, index) => index);
}

/** @param {number[]} order */
function placesIn(order) {
  return new Map(order.map((index, place) => [index, place]));
}

/** @param {Iterable<number>} heads */
function listed(heads) {
  return [...heads].sort((a, b) => a - b).join(" ");
}
