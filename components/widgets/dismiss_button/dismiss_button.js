// A × that hides the container around it, and remembers that in the browser.

import { element, setAttributes } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const PREFIX = "glassbert-dismissed-";
/** @type {Set<string>} */
const dismissed = new Set(); // where the browser keeps nothing

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} container its key
 * @property {string} label
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, DismissButton);
}

/** @param {string} container */
function isDismissed(container) {
  try {
    return dismissed.has(container) || localStorage.getItem(PREFIX + container) !== null;
  } catch {
    return false; // storage is blocked
  }
}

/** @param {string} container */
function dismiss(container) {
  dismissed.add(container);
  try {
    localStorage.setItem(PREFIX + container, "1");
  } catch {
    // storage is blocked, or full
  }
}

class DismissButton {
  #button = element("button", "dismiss", { type: "button", "data-testid": "dismiss-button" });
  #parentElement;
  #data;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} _send
   * @param {Data} data
   */
  constructor(parentElement, _send, data) {
    this.#parentElement = parentElement;
    this.#data = data;
    this.#button.textContent = "×";
    this.#button.addEventListener("click", () => {
      dismiss(this.#data.container);
      this.#show();
    });
    parentElement.append(this.#button);
  }

  /** @param {Data} data */
  accept(data) {
    this.#data = data;
    setAttributes(this.#button, { "aria-label": data.label, title: data.label });
    this.#show();
  }

  #show() {
    const { container } = this.#data;
    this.#parentElement.host.closest(`.st-key-${container}`)?.toggleAttribute("data-offered", !isDismissed(container));
  }

  destroy() {
    this.#button.remove();
  }
}
