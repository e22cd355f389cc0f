// What was typed into one of Streamlit's own fields and not submitted comes back with the field: its text goes to the
// server when the field loses the focus, which it does not when the page goes away under it (Back, a reload).

import { draftOf, keepDraft } from "../frontend/drafts.js";

const FIELD = ".stTextArea textarea, .stTextInput input";
const DRAWN_MS = 100; // until Streamlit has put its text into a new field, or drawn one with the text in it

/**
 * The key of a field, as its container names it; one that is bound to the view has a number more each time that its
 * value was set elsewhere.
 * @param {EventTarget | Element | null} field
 */
function keyOf(field) {
  const own = field instanceof Element && field.matches(FIELD) ? field.closest('[class*="st-key-"]') : null;
  const key = own ? ([...own.classList].find((name) => name.startsWith("st-key-")) ?? "") : "";
  return key.startsWith("st-key-widget_") ? key.replace(/_\d+$/, "") : key;
}

/**
 * Keeps what is typed, and puts it back where its field appears anew. Returns a function to stop this.
 * @returns {() => void}
 */
export function keepTypedText() {
  /** @type {WeakMap<Element, string>} what Python knows, of each field that was entered */
  const known = new WeakMap();
  /** @type {WeakSet<Element>} */
  const seen = new WeakSet();

  const see = () => {
    for (const field of document.querySelectorAll(FIELD)) {
      if (!isField(field) || seen.has(field)) continue;
      seen.add(field);
      if (draftOf(keyOf(field))) setTimeout(() => restore(field), DRAWN_MS);
    }
  };
  const enter = (/** @type {Event} */ event) => {
    if (isField(event.target)) known.set(event.target, event.target.value);
  };
  const type = (/** @type {Event} */ event) => {
    const field = event.target;
    if (!isField(field) || !known.has(field) || !keyOf(field)) return;
    keepDraft(keyOf(field), { over: known.get(field) ?? "", text: field.value });
  };
  const submit = (/** @type {Event} */ event) => {
    const field = event.target;
    const enters = event instanceof KeyboardEvent;
    if (!isField(field) || !keyOf(field) || (enters && event.key !== "Enter")) return;
    if (enters && field instanceof HTMLTextAreaElement && !event.ctrlKey && !event.metaKey) return;
    // a field that is taken away loses the focus as well, and what was typed is not submitted
    setTimeout(() => {
      if (!field.isConnected) return;
      if (enters) known.set(field, field.value);
      keepDraft(keyOf(field), null);
    });
  };

  const observer = new MutationObserver(see);
  observer.observe(document.body, { childList: true, subtree: true });
  see();
  const listened = /** @type {[string, EventListener][]} */ ([
    ["focusin", enter],
    ["input", type],
    ["focusout", submit],
    ["keydown", submit],
  ]);
  for (const [name, listener] of listened) document.addEventListener(name, listener, { capture: true });
  return () => {
    observer.disconnect();
    for (const [name, listener] of listened) document.removeEventListener(name, listener, { capture: true });
  };
}

/**
 * @param {EventTarget | null} field
 * @returns {field is HTMLInputElement | HTMLTextAreaElement}
 */
function isField(field) {
  return field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement;
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field */
function restore(field) {
  const draft = draftOf(keyOf(field));
  if (!draft || !field.isConnected || field.disabled || document.activeElement === field) return;
  if (draft.over === field.value) fill(field, draft.text);
  else keepDraft(keyOf(field), null); // another text has taken its place meanwhile
}

/**
 * Types a text for the visitor and leaves the field, which submits it.
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @param {string} text
 */
function fill(field, text) {
  const prototype = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(prototype.prototype, "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  setTimeout(() => {
    if (field.isConnected && document.activeElement !== field) {
      field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    }
  }, DRAWN_MS);
}
