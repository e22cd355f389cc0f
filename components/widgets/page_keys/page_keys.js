// Keys of the whole page, and the sidebar that closes itself where it covers the page.

import { isTyping } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const COVERS_THE_PAGE = "(max-width: 768px)";
const CLOSE_SIDEBAR = '[data-testid="stSidebarCollapseButton"] button';
/** @type {Record<string, string>} */
const BUTTONS = { p: '.st-key-present:not([data-retained="true"]) button' };
/** @type {string | null} */
let openPage = null; // outlives the widget, which every page mounts anew

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} page
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, PageKeys);
}

class PageKeys {
  // one function an instance: the next page's listener is there before this one's goes
  #press = (/** @type {KeyboardEvent} */ event) => {
    const button = BUTTONS[event.key.toLowerCase()];
    if (button && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !isTyping(event)) click(button);
  };

  /**
   * @param {ShadowRoot} _parentElement
   * @param {Send} _send
   * @param {Data} _data
   */
  constructor(_parentElement, _send, _data) {
    document.addEventListener("keydown", this.#press);
  }

  /** @param {Data} data */
  accept(data) {
    const chosen = openPage !== null && openPage !== data.page;
    openPage = data.page;
    if (chosen && matchMedia(COVERS_THE_PAGE).matches) click(CLOSE_SIDEBAR);
  }

  destroy() {
    document.removeEventListener("keydown", this.#press);
  }
}

/** @param {string} selector */
function click(selector) {
  const found = document.querySelector(selector);
  if (found instanceof HTMLElement) found.click();
}
