// Keyboard and pointer handling, the same in every widget.

/**
 * What a key requests. `next` and `previous` follow the text direction, so they are left and right or the reverse;
 * `first` and `last` are the corners of a grid, reached by Ctrl+Home and Ctrl+End.
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
 * Runs a key's command and prevents the page from handling the key. Keys without a command here reach the page, and so
 * do those with Alt or Meta, which belong to the browser.
 * @param {HTMLElement} node
 * @param {Partial<Record<Command, (event: KeyboardEvent) => void>>} commands
 * @param {object} [options]
 * @param {boolean} [options.control] whether keys with Ctrl count too
 * @param {() => boolean} [options.mirrored] the text runs from right to left
 * @param {string} [options.except] selector of elements inside `node` that handle keys themselves
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
    action(event);
  });
}

/**
 * Reports what is pointed at, by mouse, touch or keyboard focus.
 * @param {HTMLElement} node
 * @param {(event: Event) => void} point
 * @param {() => void} leave
 */
export function listenToPointing(node, point, leave) {
  node.addEventListener("pointerover", point);
  node.addEventListener("pointerleave", (event) => {
    // A touch ends as soon as the finger is lifted, so what it showed stays until the next tap.
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
