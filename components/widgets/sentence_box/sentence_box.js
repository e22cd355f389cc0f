// A text field that grows with the sentence.

import { element, setText } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const MOST_HEIGHT = 240; // in CSS pixels; beyond that, the field scrolls

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} label
 * @property {string} value
 * @property {string} placeholder
 * @property {number} maxCharacters
 */

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, SentenceBox);
}

/** @param {ShadowRoot} parentElement */
function createParts(parentElement) {
  const box = element("div", "box", { "data-testid": "sentence-box" });
  const label = element("label", "label", { for: "sentence" });
  const field = element("textarea", "field", { id: "sentence", rows: 1, dir: "auto", spellcheck: "false" });
  const hint = element("div", "hint muted", { "aria-live": "polite" });
  const head = element("div", "head");
  head.append(label, hint);
  box.append(head, field);
  parentElement.append(box);
  return { box, label, field, hint };
}

class SentenceBox {
  /** @type {string | null} */
  #known = null; // the text Python knows
  #resized = new ResizeObserver(() => this.#fit());
  #send;
  #data;
  #parts;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Data} data
   */
  constructor(parentElement, send, data) {
    this.#send = send;
    this.#data = data;
    this.#parts = createParts(parentElement);
    this.#resized.observe(this.#parts.box);
    this.#listen();
  }

  /** @param {Data} data */
  accept(data) {
    const { label, field } = this.#parts;
    this.#data = data;
    setText(label, data.label);
    field.placeholder = data.placeholder;
    field.maxLength = data.maxCharacters;
    // Text that was changed elsewhere replaces the content; text being typed is never overwritten.
    if (data.value !== this.#known) {
      const typing = field.value !== (this.#known ?? "");
      this.#known = data.value;
      if (!typing) field.value = data.value;
    }
    this.#show();
  }

  #show() {
    const { field, hint } = this.#parts;
    const full = field.value.length >= this.#data.maxCharacters;
    const most = this.#data.maxCharacters.toLocaleString("en");
    setText(hint, full ? `Cut at ${most} characters` : field.value === this.#known ? "" : "Press Enter to run");
    this.#fit();
  }

  #fit() {
    const { field } = this.#parts;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, MOST_HEIGHT)}px`;
  }

  #submit() {
    const text = this.#parts.field.value;
    if (text === this.#known) return;
    this.#known = text;
    this.#show();
    this.#send({ version: this.#data.version, text });
  }

  #listen() {
    const { field } = this.#parts;
    field.addEventListener("input", () => this.#show());
    field.addEventListener("change", () => this.#submit());
    field.addEventListener("keydown", (event) => {
      // Enter that confirms an input method's candidate is not a submission
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  destroy() {
    this.#resized.disconnect();
    this.#parts.box.remove();
  }
}
