// A table whose columns are tokens: hovering over a cell, or moving to it, highlights everything in the same columns.

import { css, inkOn, mix } from "../frontend/colour.js";
import { element, onResize, setAttributes, setText } from "../frontend/dom.js";
import { listenToKeys, within } from "../frontend/input.js";
import { direction } from "../frontend/text.js";
import { readTheme } from "../frontend/theme.js";
import { mount } from "../frontend/widget.js";
import { createEntries, createLine } from "./table.js";
/** @import { Theme } from "../frontend/theme.js" */
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { Entry, Row } from "./table.js" */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version names the rows
 * @property {string} label
 * @property {number} columns
 * @property {number | null} selected
 * @property {"column" | "text"} linked what a hovered cell highlights
 * @property {number | null} reveal the column that is brought into sight at first
 * @property {Row[]} rows
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, AlignedRows);
}

/** @param {ShadowRoot} parentElement */
function createParts(parentElement) {
  const root = element("div", "aligned", { "data-testid": "aligned-rows" });
  const readout = element("div", "readout", { "data-testid": "aligned-rows-readout", "aria-live": "polite" });
  const scroller = element("div", "scroller");
  const table = element("table", "", { "data-testid": "aligned-rows-table", role: "grid" });
  scroller.append(table);
  root.append(readout, scroller);
  parentElement.append(root);
  return { root, readout, scroller, table };
}

class AlignedRows {
  /** @type {string | null} */
  #drawn = null; // the version that the table shows
  /** @type {Theme | null} */
  #shade = null; // the theme that the tones were drawn with
  /** @type {Entry[][]} */
  #entries = []; // rows of cells
  /** @type {Map<EventTarget, Entry>} */
  #byNode = new Map();
  #cursor = { row: 0, column: 0 };
  /** @type {Entry | null} */
  #pointed = null;
  /** @type {number | null} */
  #selected = null;
  #parentElement;
  #send;
  #data;
  #parts;
  #endResizing;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Data} data
   */
  constructor(parentElement, send, data) {
    this.#parentElement = parentElement;
    this.#send = send;
    this.#data = data;
    this.#parts = createParts(parentElement);
    this.#endResizing = onResize(this.#parts.scroller, () => this.#fit());
    this.#listen();
  }

  /** @param {Data} data */
  accept(data) {
    this.#data = data;
    this.#selected = data.selected;
    if (this.#drawn !== data.version) {
      this.#drawn = data.version;
      this.#shade = null;
      this.#draw();
    }
    const theme = readTheme(this.#parentElement);
    if (this.#shade !== theme) {
      this.#shade = theme;
      this.#colour(theme);
    }
    this.#mark();
  }

  #draw() {
    const { label, rows, columns } = this.#data;
    const { table } = this.#parts;
    const pieces = rows.filter((row) => row.id === "pieces").flatMap((row) => row.cells);
    setAttributes(table, { "aria-label": label });
    table.dir = direction(pieces.map((cell) => cell.text));
    this.#entries = createEntries(rows);
    this.#byNode = new Map(this.#entries.flat().map((entry) => [entry.node, entry]));
    this.#cursor = { row: 0, column: 0 };
    this.#pointed = null;
    table.replaceChildren(...rows.map((row, index) => createLine(row, this.#entries[index], columns)));
    this.#describe(null);
    this.#entryAt(0, 0)?.node.setAttribute("tabindex", "0");
    this.#fit();
    this.#reveal();
  }

  // Fades the edge beyond which the table goes on.
  #fit() {
    const { scroller } = this.#parts;
    const more = Math.abs(scroller.scrollLeft) + scroller.clientWidth < scroller.scrollWidth - 2;
    setAttributes(scroller, { "data-more": more });
  }

  // Scrolls the box, never the page.
  #reveal() {
    const { scroller, table } = this.#parts;
    const { reveal } = this.#data;
    const node = this.#entries[0]?.find(({ cell }) => reveal !== null && cell.to > reveal)?.node;
    if (!node) return;
    const box = scroller.getBoundingClientRect();
    const own = node.getBoundingClientRect();
    if (table.dir === "rtl") scroller.scrollLeft += Math.min(0, own.left - box.left);
    else scroller.scrollLeft += Math.max(0, own.right - box.right);
  }

  /** @param {Theme} theme */
  #colour(theme) {
    for (const { node, cell } of this.#byNode.values()) {
      if (cell.tone === null) continue;
      const background = mix(theme.background, theme.negative, cell.tone * 0.85);
      node.style.background = css(background);
      node.style.color = css(inkOn(background));
      node.classList.add("data-colour");
    }
  }

  // Highlights what belongs to the hovered cell, and everything in the selected column.
  #mark() {
    const pointed = this.#pointed?.cell;
    const selected = this.#selected;
    for (const { node, cell } of this.#byNode.values()) {
      node.classList.toggle("pointed", Boolean(pointed && this.#isLinked(cell, pointed)));
      const chosen = selected !== null && cell.from <= selected && selected < cell.to;
      node.classList.toggle("chosen", chosen);
      setAttributes(node, { "aria-selected": chosen });
    }
  }

  /**
   * @param {Entry["cell"]} cell
   * @param {Entry["cell"]} other
   */
  #isLinked(cell, other) {
    if (this.#data.linked === "text") return cell.text === other.text;
    return cell.from < other.to && cell.to > other.from;
  }

  /** @param {Entry | null} entry */
  #describe(entry) {
    const { readout } = this.#parts;
    if (entry === null) {
      const what = this.#data.linked === "text" ? "the same word" : "what belongs to it";
      setText(readout, `Hover over a cell to highlight ${what} in every row.`);
      return;
    }
    const { row, cell } = entry;
    setText(readout, `${row.label}: ${cell.text}${cell.note ? ` · ${cell.note}` : ""} · ${row.meaning}`);
  }

  /**
   * @param {number} row
   * @param {number} column
   * @returns {Entry | undefined}
   */
  #entryAt(row, column) {
    return this.#entries[row]?.[column];
  }

  get #current() {
    return this.#entryAt(this.#cursor.row, this.#cursor.column);
  }

  // Selects a token, or deselects the selected one.
  /** @param {Entry | undefined} entry */
  #choose(entry) {
    if (!entry || entry.cell.to - entry.cell.from !== 1) return;
    const index = entry.cell.from === this.#selected ? -1 : entry.cell.from;
    this.#selected = index < 0 ? null : index;
    this.#mark();
    this.#send({ version: this.#data.version, index });
  }

  /**
   * @param {number} row
   * @param {number} column
   */
  #moveTo(row, column) {
    const line = this.#entries[row];
    if (!line?.length) return;
    this.#current?.node.setAttribute("tabindex", "-1");
    this.#cursor = { row, column: within(column, line.length - 1) };
    const { node } = line[this.#cursor.column];
    node.setAttribute("tabindex", "0");
    node.focus();
  }

  // Moves to the cell above or below this one in another row.
  /** @param {number} row */
  #moveToRow(row) {
    const line = this.#entries[row];
    const here = this.#current;
    if (!line || !here) return;
    const beside = line.findIndex((entry) => entry.cell.to > here.cell.from);
    this.#moveTo(row, Math.max(0, beside));
  }

  /** @param {Entry | null} entry */
  #point(entry) {
    if (entry === this.#pointed) return;
    this.#pointed = entry;
    this.#mark();
    this.#describe(entry);
  }

  /** @param {Event} event */
  #entryUnder(event) {
    const node = event.target instanceof Element ? event.target.closest("td") : null;
    return (node && this.#byNode.get(node)) ?? null;
  }

  #listen() {
    const { scroller, table } = this.#parts;
    scroller.addEventListener("scroll", () => this.#fit(), { passive: true });
    table.addEventListener("pointerover", (event) => this.#point(this.#entryUnder(event)));
    table.addEventListener("focusin", (event) => this.#point(this.#entryUnder(event)));
    table.addEventListener("pointerleave", () => this.#point(null));
    table.addEventListener("click", (event) => this.#choose(this.#entryUnder(event) ?? undefined));
    const moveAlong = (/** @type {number} */ columns) => this.#moveTo(this.#cursor.row, this.#cursor.column + columns);
    listenToKeys(
      table,
      {
        next: () => moveAlong(1),
        previous: () => moveAlong(-1),
        down: () => this.#moveToRow(this.#cursor.row + 1),
        up: () => this.#moveToRow(this.#cursor.row - 1),
        home: () => this.#moveTo(this.#cursor.row, 0),
        end: () => this.#moveTo(this.#cursor.row, Infinity),
        choose: () => this.#choose(this.#current),
      },
      { control: true, mirrored: () => table.dir === "rtl" },
    );
  }

  destroy() {
    this.#endResizing();
    this.#parts.root.remove();
  }
}
