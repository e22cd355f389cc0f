// Keyboard and pointing, the same in every widget.

/**
 * What a key asks for. `next` and `previous` follow the text, so that they are left and right or the reverse; `first`
 * and `last` are the corners of a grid, by Home and End with the control key.
 * @typedef {"next" | "previous" | "up" | "down" | "pageUp" | "pageDown" | "home" | "end" | "first" | "last"
 *   | "choose"} Command
 */

/** @type {Partial<Record<string, Command>>} */
const COMMANDS = {
  ArrowRight: "next",
  ArrowLeft: "previous",
  ArrowDown: "down",
  ArrowUp: "up",
  PageDown: "pageDown",
  PageUp: "pageUp",
  Home: "home",
  End: "end",
  Enter: "choose",
  " ": "choose",
};

/** @type {Partial<Record<Command, Command>>} */
const MIRRORED = { next: "previous", previous: "next" };

/** @type {Partial<Record<Command, Command>>} */
const CORNERS = { home: "first", end: "last" };

/** How many rows Page Up and Page Down move by. */
export const PAGE = 10;

/**
 * Calls the command of a key and keeps the key from the page. Keys without a command here go on to the page, and so do
 * those with Alt or Meta: they are the browser's.
 * @param {HTMLElement} node
 * @param {Partial<Record<Command, () => void>>} commands
 * @param {object} [options]
 * @param {boolean} [options.control] keys with Ctrl count too
 * @param {() => boolean} [options.mirrored] the text runs from right to left
 * @param {string} [options.except] what has keys of its own inside `node`, as a selector
 */
export function listenToKeys(node, commands, { control = false, mirrored = () => false, except } = {}) {
  node.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || (event.ctrlKey && !control)) return;
    if (except && event.target instanceof Element && event.target.matches(except)) return;
    const command = COMMANDS[event.key];
    if (!command) return;
    const corner = event.ctrlKey ? CORNERS[command] : undefined;
    const along = mirrored() ? MIRRORED[command] : undefined;
    const action = (corner && commands[corner]) ?? commands[along ?? command];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });
}

/**
 * What is pointed at, by mouse, finger or keyboard focus.
 * @param {HTMLElement} node
 * @param {(event: Event) => void} point
 * @param {() => void} leave
 */
export function listenToPointing(node, point, leave) {
  node.addEventListener("pointerover", point);
  node.addEventListener("pointerleave", (event) => {
    // A finger leaves as soon as it is lifted: what it showed stays until the next tap.
    if (event.pointerType !== "touch") leave();
  });
  node.addEventListener("focusin", (event) => {
    if (event.target instanceof Element && event.target.matches(":focus-visible")) point(event);
  });
  node.addEventListener("focusout", leave);
}

/**
 * @param {number} index
 * @param {number} last
 */
export function within(index, last) {
  return Math.max(0, Math.min(last, index));
}
