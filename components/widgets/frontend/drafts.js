// What was typed and not submitted, by field: a page that is opened meanwhile mounts its fields anew. The tab keeps it
// over a reload, and forgets it when it is closed.

/** @typedef {{ over: string, text: string }} Draft the text, and what it was typed over */

const PREFIX = "glassbert-draft-";
/** @type {Map<string, string>} */
const kept = new Map(); // where the browser keeps nothing

/**
 * @param {string} field
 * @returns {Draft | null}
 */
export function draftOf(field) {
  try {
    return JSON.parse(kept.get(field) ?? sessionStorage.getItem(PREFIX + field) ?? "null");
  } catch {
    return null; // storage is blocked, or holds something else
  }
}

/**
 * @param {string} field
 * @param {Draft | null} draft null: there is none any more
 */
export function keepDraft(field, draft) {
  const written = JSON.stringify(draft);
  kept.set(field, written);
  try {
    if (draft) sessionStorage.setItem(PREFIX + field, written);
    else sessionStorage.removeItem(PREFIX + field);
  } catch {
    // storage is blocked, or full
  }
}
