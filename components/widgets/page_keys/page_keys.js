// Keys of the whole page, the sidebar that closes itself where it covers the page, and typed text that is never lost.

import { element, isTyping } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
import { keepTypedText } from "./fields.js";
import { letPagesWait, nameMainPage } from "./leaving.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const COVERS_THE_PAGE = "(max-width: 768px)";
// what Escape closes first: a dialog, a popover, a list of options
const OPEN_LAYER = '[role="dialog"], [role="listbox"], [data-baseweb="popover"]';
const REACHES_A_LINK = ["pointerdown", "focusin"];
const CLOSE_SIDEBAR = '[data-testid="stSidebarCollapseButton"] button';
/**
 * The keys of the buttons that a key presses: the first that is on the page.
 * @type {Record<string, string[]>}
 */
const BUTTONS = {
  p: ["present"],
  Escape: ["present"],
  ArrowRight: ["tour_show", "tour_next"],
  ArrowLeft: ["tour_back"],
  // what the remote control of a projector sends
  PageDown: ["tour_show", "tour_next"],
  PageUp: ["tour_back"],
};
/** @type {string | null} */
let openPage = null; // outlives the widget, which every page mounts anew

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} page
 * @property {boolean} presents
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, PageKeys);
}

class PageKeys {
  #ready = element("span", "", { "data-testid": "page-keys" });
  #presents = false;
  #letPagesGo = letPagesWait();
  #letTextGo = keepTypedText();
  // one function an instance: the next page's listener is there before this one's goes
  #press = (/** @type {KeyboardEvent} */ event) => {
    const keys = BUTTONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!keys || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event)) return;
    if (event.key === "Escape" && (!this.#presents || document.querySelector(OPEN_LAYER))) return;
    const button = keys.map((key) => buttonOf(key)).find(Boolean);
    if (!button) return;
    event.preventDefault();
    button.click();
  };

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} _send
   * @param {Data} _data
   */
  constructor(parentElement, _send, _data) {
    parentElement.append(this.#ready);
    for (const name of REACHES_A_LINK) document.addEventListener(name, nameMainPage, { capture: true });
    document.addEventListener("keydown", this.#press);
  }

  /** @param {Data} data */
  accept(data) {
    const chosen = openPage !== null && openPage !== data.page;
    openPage = data.page;
    this.#presents = data.presents;
    if (chosen && matchMedia(COVERS_THE_PAGE).matches) {
      const close = document.querySelector(CLOSE_SIDEBAR);
      if (close instanceof HTMLElement) close.click();
    }
  }

  destroy() {
    this.#letPagesGo();
    this.#letTextGo();
    for (const name of REACHES_A_LINK) document.removeEventListener(name, nameMainPage, { capture: true });
    this.#ready.remove();
    document.removeEventListener("keydown", this.#press);
  }
}

/**
 * The button of this key, unless it is one that another is about to replace, or disabled.
 * @param {string} key
 */
function buttonOf(key) {
  const found = document.querySelector(`.st-key-${key}:not([data-retained="true"]) button:not(:disabled)`);
  return found instanceof HTMLElement ? found : null;
}
