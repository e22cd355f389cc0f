// A whole HTML page in a frame with an origin of its own.

import { element, setAttributes } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} html
 * @property {string} title
 * @property {number} height in CSS pixels
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, SandboxedPage);
}

class SandboxedPage {
  #frame = element("iframe", "page", { "data-testid": "sandboxed-page", sandbox: "allow-scripts" });

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} _send
   */
  constructor(parentElement, _send) {
    parentElement.append(this.#frame);
  }

  /** @param {Data} data */
  accept(data) {
    setAttributes(this.#frame, { title: data.title, height: data.height });
    // the same page again would start anew, without what the user chose in it
    if (this.#frame.srcdoc !== data.html) this.#frame.srcdoc = data.html;
  }

  destroy() {
    this.#frame.remove();
  }
}
