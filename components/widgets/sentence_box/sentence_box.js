// A text field that grows with the sentence.

import { element, isTyping, setText } from "../frontend/dom.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const MOST_HEIGHT = 160; // in CSS pixels; beyond that, the field scrolls
// Streamlit sends what a component reports a moment later, but a click on a page at once: that page's run would come
// first, and the report would lead back.
const REPORT_MS = 300;
const PAGE_LINK = 'a[data-testid="stPageLink-NavLink"]';
/**
 * What was typed over which text, by field: a page that is opened meanwhile mounts its fields anew.
 * @type {Map<string, { over: string, text: string }>}
 */
const drafts = new Map();
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
  #sent = -Infinity; // when the last submission was reported
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
    document.addEventListener("click", this.#letPageWait, { capture: true });
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
    const draft = drafts.get(data.version);
    if (draft && draft.over !== data.value) drafts.delete(data.version);
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

  #submit() {
    const text = this.#parts.field.value;
    if (text === this.#known) return;
    this.#known = text;
    this.#sent = performance.now();
    this.#show();
    this.#parts.field.scrollTop = 0; // a long text is shown from its start
    this.#send({ version: this.#data.version, text });
  }

  #listen() {
    const { field } = this.#parts;
    field.addEventListener("input", () => {
      drafts.set(this.#data.version, { over: this.#data.value, text: field.value });
      this.#show();
    });
    field.addEventListener("change", () => this.#submit());
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

  // A click that submits the text by taking the focus, and opens a page: the page follows once the text is on its way.
  #letPageWait = (/** @type {MouseEvent} */ event) => {
    const wait = this.#sent + REPORT_MS - performance.now();
    const target = event.composedPath()[0];
    const link = target instanceof Element ? target.closest(PAGE_LINK) : null;
    if (wait <= 0 || event.ctrlKey || event.metaKey || event.shiftKey || !(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { pathname } = link;
    setTimeout(() => {
      const links = [...document.querySelectorAll(PAGE_LINK)];
      const now = links.find((one) => one instanceof HTMLAnchorElement && one.pathname === pathname);
      if (now instanceof HTMLElement) now.click();
    }, wait);
  };

  destroy() {
    document.removeEventListener("keydown", this.#focusByKey);
    document.removeEventListener("click", this.#letPageWait, { capture: true });
    this.#resized.disconnect();
    this.#parts.box.remove();
  }
}
