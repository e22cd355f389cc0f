// Elements, frames and sizes.

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {Record<string, unknown>} attributes
 */
export function element(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  setAttributes(node, attributes);
  return node;
}

/**
 * @param {Element} node
 * @param {Record<string, unknown>} attributes
 */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/**
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * The index in `nodes` of the node that an event happened in; −1 if there is none.
 * @param {Event} event
 * @param {Element[]} nodes
 * @param {string} role of each node
 */
export function indexUnder(event, nodes, role) {
  const node = event.target instanceof Element ? event.target.closest(`[role="${role}"]`) : null;
  return node ? nodes.indexOf(node) : -1;
}

/** @typedef {(() => void) & { cancel: () => void }} Request */

/**
 * Runs at most once per frame, however often it is requested.
 * @param {() => void} draw
 * @returns {Request}
 */
export function eachFrame(draw) {
  let waiting = 0;
  const request = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  };
  return Object.assign(request, { cancel: () => cancelAnimationFrame(waiting) });
}

/**
 * Redraws when the size of a node or the window, or the screen's resolution, changes. Returns a function to stop this.
 * @param {Element} node
 * @param {() => void} draw
 */
export function onResize(node, draw) {
  const redraw = eachFrame(draw);
  const observer = new ResizeObserver(redraw);
  observer.observe(node);
  window.addEventListener("resize", redraw);
  return () => {
    observer.disconnect();
    window.removeEventListener("resize", redraw);
    redraw.cancel();
  };
}

/**
 * Where to scroll so that a part of the content is inside the visible area, no further than needed.
 * @param {number} scrolled now
 * @param {number} start of the part
 * @param {number} size of the part
 * @param {number} room
 */
export function scrolledTo(scrolled, start, size, room) {
  if (start < scrolled) return start;
  return start + size > scrolled + room ? start + size - room : scrolled;
}

/**
 * Whether a key goes into a field, also into one of a component.
 * @param {KeyboardEvent} event
 */
export function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
