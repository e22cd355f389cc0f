// One of the two lists of tokens: a listbox with a cursor.

import { element, setAttributes } from "../frontend/dom.js";
import { within } from "../frontend/input.js";
/** @import { Axis } from "./state.js" */

/** @typedef {{ paper: string, ink: string }} Tint */

export class TokenList {
  /** @type {HTMLElement[]} */
  options = [];
  cursor = 0;
  /** @type {HTMLElement | null} */
  #pointed = null;
  /** @type {Map<HTMLElement, number>} */
  #tinted = new Map();

  /**
   * @param {Axis} axis
   * @param {string} testid
   */
  constructor(axis, testid) {
    this.axis = axis;
    this.node = element("div", `lines-list lines-${axis}`, { role: "listbox", "data-testid": testid });
  }

  /**
   * @param {string[]} tokens
   * @param {string} name
   */
  fill(tokens, name) {
    setAttributes(this.node, { "aria-label": name });
    this.options = tokens.map((token, index) => {
      const option = element("div", "lines-token data-colour", { role: "option", "data-index": index });
      const text = element("bdi", "ellipsis");
      text.textContent = token;
      option.append(text);
      return option;
    });
    this.#pointed = null;
    this.forgetTints();
    this.cursor = Math.min(this.cursor, tokens.length - 1);
    this.node.replaceChildren(...this.options);
  }

  /** @param {(index: number) => string} spoken */
  name(spoken) {
    this.options.forEach((option, index) => setAttributes(option, { "aria-label": spoken(index) }));
  }

  /** @param {number | null} selected */
  select(selected) {
    if (selected !== null) this.cursor = selected;
    this.options.forEach((option, index) => {
      setAttributes(option, { "aria-selected": index === selected, tabindex: index === this.cursor ? 0 : -1 });
    });
  }

  /** @param {number} index */
  moveTo(index) {
    this.cursor = within(index, this.options.length - 1);
    this.options.forEach((option, at) => setAttributes(option, { tabindex: at === this.cursor ? 0 : -1 }));
    this.options[this.cursor].focus({ preventScroll: true });
  }

  /** @param {number | null} index */
  point(index) {
    const now = index === null ? null : this.options[index];
    if (this.#pointed === now) return;
    this.#pointed?.classList.remove("pointed");
    now?.classList.add("pointed");
    this.#pointed = now;
  }

  /** Forgets the current colours, so that the next colouring sets all of them. */
  forgetTints() {
    this.#tinted.clear();
  }

  /**
   * Colours the options from first to last, where their colour changes.
   * @param {number} first
   * @param {number} last
   * @param {(index: number) => number} levelOf an option; 0: no colour
   * @param {Tint[]} tints
   */
  tint(first, last, levelOf, tints) {
    this.options.slice(first, last + 1).forEach((option, place) => {
      const level = levelOf(first + place);
      if (this.#tinted.get(option) === level) return;
      this.#tinted.set(option, level);
      option.style.backgroundColor = level ? tints[level].paper : "";
      option.style.color = level ? tints[level].ink : "";
    });
  }
}
