// The table: one row per step, with gaps where a row has no cell.

import { element, setText } from "../frontend/dom.js";

/**
 * @typedef {object} Cell
 * @property {string} text
 * @property {number} from the first column
 * @property {number} to the column after the last
 * @property {number | null} tone 0 to 1
 * @property {string} note
 * @property {"text" | "special" | "unknown" | "faint" | "struck"} kind
 */

/** @typedef {{ id: string, label: string, meaning: string, cells: Cell[] }} Row */

/** @typedef {{ node: HTMLTableCellElement, row: Row, cell: Cell }} Entry a cell that is drawn */

/**
 * The cells of all rows, not yet in the table.
 * @param {Row[]} rows
 * @returns {Entry[][]}
 */
export function createEntries(rows) {
  return rows.map((row) => row.cells.map((cell) => ({ node: createCell(row, cell), row, cell })));
}

/**
 * @param {Row} row
 * @param {Cell} cell
 */
function createCell(row, cell) {
  const node = element("td", `kind-${cell.kind}`, {
    "data-testid": "aligned-rows-cell",
    "data-row": row.id,
    "data-from": cell.from,
    "data-to": cell.to,
    role: "gridcell",
    tabindex: -1,
    dir: "auto",
  });
  node.colSpan = cell.to - cell.from;
  setText(node, cell.text);
  return node;
}

/**
 * @param {Row} row
 * @param {Entry[]} entries
 * @param {number} columns
 */
export function createLine(row, entries, columns) {
  const line = element("tr", "", { role: "row" });
  const head = element("th", "", { scope: "row", title: row.meaning });
  setText(head, row.label);
  line.append(head);
  let column = 0;
  for (const { node, cell } of entries) {
    if (cell.from > column) line.append(createGap(cell.from - column));
    line.append(node);
    column = cell.to;
  }
  if (column < columns) line.append(createGap(columns - column));
  return line;
}

/** @param {number} columns */
function createGap(columns) {
  const node = element("td", "gap", { "aria-hidden": "true" });
  node.colSpan = columns;
  return node;
}
