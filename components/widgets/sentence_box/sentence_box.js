// A text field that grows with the sentence.

import { element, isTyping, setText } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
import { draftOf, keepDraft } from "../frontend/drafts.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const MOST_HEIGHT = 160; // in CSS pixels; beyond that, the field scrolls
let focused = 0; // the last request that was followed

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version
 * @property {string} label
 * @property {string} value
 * @property {string} placeholder
 * @property {number} maxCharacters
 * @property {string} shortcut
 * @property {number} focus
 * @property {string} replacedBy
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
  box.append(label, field, hint);
  parentElement.append(box);
  return { box, label, field, hint };
}

class SentenceBox {
  /** @type {string | null} */
  #known = null; // the text Python knows
  /** @type {Element | null} */
  #pressed = null; // where the pointer is held down
  #held = false; // a submission waits until it is released
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
    document.addEventListener("keydown", this.#focusByKey);
    document.addEventListener("pointerdown", this.#press, { capture: true });
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, this.#release, { capture: true });
  }

  /** @param {Data} data */
  accept(data) {
    const { label, field } = this.#parts;
    this.#data = data;
    setText(label, data.label);
    field.placeholder = data.placeholder;
    field.maxLength = data.maxCharacters;
    // Text that was changed elsewhere replaces the content; text being typed is never overwritten.
    const first = this.#known === null;
    if (data.value !== this.#known) {
      const typing = field.value !== (this.#known ?? "");
      this.#known = data.value;
      if (!typing) field.value = data.value;
    }
    const draft = draftOf(data.version);
    if (draft && draft.over !== data.value) keepDraft(data.version, null);
    else if (draft && first) this.#restore(draft.text);
    this.#show();
    if (data.focus > focused) {
      focused = data.focus;
      this.#enter();
    }
  }

  /** @param {string} text */
  #restore(text) {
    this.#parts.field.value = text;
    this.#submit();
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

  /** @param {boolean} givesWay if what was clicked has put another text in its place, that one counts */
  #submit(givesWay = false) {
    const text = this.#parts.field.value;
    if (text === this.#known) return;
    const over = givesWay ? { over: this.#known } : {};
    this.#known = text;
    this.#show();
    this.#parts.field.scrollTop = 0; // a long text is shown from its start
    this.#send({ version: this.#data.version, text, ...over });
  }

  // A run draws buttons that replace the text anew: one that starts while the pointer is held down on such a button
  // would take it away under the click.
  #submitOnLeaving() {
    const { replacedBy } = this.#data;
    this.#held = replacedBy !== "" && Boolean(this.#pressed?.closest(`.st-key-${replacedBy}`));
    if (!this.#held) this.#submit();
  }

  #press = (/** @type {PointerEvent} */ event) => {
    const target = event.composedPath()[0];
    this.#pressed = target instanceof Element ? target : null;
  };

  #release = () => {
    this.#pressed = null;
    if (this.#held) setTimeout(() => this.#submit(true)); // the click comes first
    this.#held = false;
  };

  #listen() {
    const { field } = this.#parts;
    field.addEventListener("input", () => {
      keepDraft(this.#data.version, { over: this.#data.value, text: field.value });
      this.#show();
    });
    field.addEventListener("change", () => this.#submitOnLeaving());
    field.addEventListener("keydown", (event) => {
      // Enter that confirms an input method's candidate is not a submission
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  #focusByKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== this.#data.shortcut || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    event.preventDefault();
    this.#enter();
  };

  #enter() {
    this.#parts.field.focus();
    this.#parts.field.select();
  }

  destroy() {
    document.removeEventListener("keydown", this.#focusByKey);
    document.removeEventListener("pointerdown", this.#press, { capture: true });
    for (const end of ["pointerup", "pointercancel"]) {
      document.removeEventListener(end, this.#release, { capture: true });
    }
    this.#resized.disconnect();
    this.#parts.box.remove();
  }
}
