// Pointer and keyboard.

import { indexUnder } from "../frontend/dom.js";
import { listenToKeys, listenToPointing, PAGE } from "../frontend/input.js";
/** @import { Lines } from "./attention_lines.js" */
/** @import { TokenList } from "./token_list.js" */

/** @param {Lines} lines */
export function listen(lines) {
  lines.lists.forEach((list) => listenToList(lines, list));
}

/**
 * @param {Lines} lines
 * @param {TokenList} list
 */
function listenToList(lines, list) {
  const { axis, node } = list;
  const { query, key } = lines;
  /** @param {Event} event */
  const tokenUnder = (event) => indexUnder(event, list.options, "option");
  node.addEventListener("click", (event) => {
    const index = tokenUnder(event);
    if (index >= 0) lines.choose(list, index);
  });
  listenToPointing(
    node,
    (event) => {
      const index = tokenUnder(event);
      lines.point(index < 0 ? null : { axis, index });
    },
    () => lines.point(null),
  );
  const moveBy = (/** @type {number} */ rows) => lines.moveTo(list, list.cursor + rows);
  listenToKeys(node, {
    down: () => moveBy(1),
    up: () => moveBy(-1),
    pageDown: () => moveBy(PAGE),
    pageUp: () => moveBy(-PAGE),
    home: () => lines.moveTo(list, 0),
    end: () => lines.moveTo(list, Infinity),
    choose: () => lines.choose(list, list.cursor),
    ...(axis === "query"
      ? { next: () => lines.moveTo(key, key.cursor) }
      : { previous: () => lines.moveTo(query, query.cursor) }),
  });
}
