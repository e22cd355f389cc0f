// What the lines show: the weights, and the token that the pointer, the keyboard or the selection picks out.

import { weightText } from "../frontend/text.js";
import { joinPlanes } from "../frontend/wire.js";

/**
 * What Python sends with the levels.
 * @typedef {object} Header
 * @property {string} version names what is drawn
 * @property {string} label
 * @property {string[]} queries
 * @property {string[]} keys
 * @property {number | null} selectedQuery
 * @property {number | null} selectedKey
 * @property {number} step the weight of one level
 * @property {number} height of the whole, in CSS pixels
 * @property {number} mostLines
 */

/** @typedef {"query" | "key"} Axis */

/** @typedef {{ axis: Axis, index: number }} Place a token of one of the lists */

const SPOKEN_WEIGHTS = 3;

export class LinesState {
  levels = new Uint16Array(); // (query, key)
  order = new Uint32Array(); // indices into levels, the strongest first
  /** @type {Place | null} */
  pointed = null;

  /** @param {Header} header */
  constructor(header) {
    this.header = header;
  }

  /** @param {Uint8Array} bytes */
  takeLevels(bytes) {
    this.levels = joinPlanes(bytes);
    this.order = byStrength(this.levels);
  }

  get peak() {
    return this.order.length ? this.levels[this.order[0]] : 0;
  }

  get longest() {
    return Math.max(this.header.queries.length, this.header.keys.length);
  }

  /** @param {Axis} axis */
  tokens(axis) {
    return axis === "query" ? this.header.queries : this.header.keys;
  }

  /** @param {Axis} axis */
  selected(axis) {
    return axis === "query" ? this.header.selectedQuery : this.header.selectedKey;
  }

  /**
   * What the pointer, the keyboard or the selection picks out; the selection's own row comes before its column.
   * @returns {Place | null}
   */
  get focus() {
    if (this.pointed) return this.pointed;
    const { selectedQuery, selectedKey } = this.header;
    if (selectedQuery !== null) return { axis: "query", index: selectedQuery };
    if (selectedKey !== null) return { axis: "key", index: selectedKey };
    return null;
  }

  /**
   * The level between a token and one in the other list.
   * @param {Place} place
   * @param {number} other
   */
  level({ axis, index }, other) {
    const columns = this.header.keys.length;
    return this.levels[axis === "query" ? index * columns + other : other * columns + index];
  }

  /** @param {Place} place */
  sentence(place) {
    const token = this.tokens(place.axis)[place.index];
    const found = this.#strongest(place).map((one) => `${one.token} ${weightText(one.weight)}`);
    if (!found.length) return `${token}: no lines`;
    return `${token} ${place.axis === "query" ? "attends to" : "is attended to by"} ${found.join(", ")}`;
  }

  /** @param {Place} place */
  #strongest(place) {
    return this.tokens(place.axis === "query" ? "key" : "query")
      .map((token, other) => ({ token, weight: this.level(place, other) * this.header.step }))
      .filter((found) => found.weight > 0)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, SPOKEN_WEIGHTS);
  }
}

/**
 * Indices of the levels above zero, the largest first.
 * @param {Uint16Array} levels
 */
function byStrength(levels) {
  const found = [];
  for (let i = 0; i < levels.length; i++) if (levels[i] > 0) found.push(i);
  return Uint32Array.from(found).sort((a, b) => levels[b] - levels[a]);
}
