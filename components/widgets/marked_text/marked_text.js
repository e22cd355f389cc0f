// A text in which spans are marked and named; one of them can be chosen.

import { element, setAttributes } from "../frontend/dom.js";
import { direction } from "../frontend/text.js";
import { mount } from "../frontend/widget.js";
/** @import { Call, Send } from "../frontend/widget.js" */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version names text and marks
 * @property {string} label
 * @property {number} selected −1: none
 * @property {string[]} texts the text in segments
 * @property {number[]} marked the mark of each segment; −1: none
 * @property {string[]} names
 * @property {string[]} notes
 * @property {number[]} kinds
 * @property {boolean[]} sure
 */

// Lightness and chroma are alike, so that no kind stands out; black and white text can be read on the tints.
const HUES = [255, 150, 55, 315, 200, 100, 20, 285];

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, MarkedText);
}

class MarkedText {
  /** @type {string | null} */
  #drawn = null;
  /** @type {HTMLElement[]} */
  #marks = [];
  #root;
  #send;
  #data;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Data} data
   */
  constructor(parentElement, send, data) {
    this.#send = send;
    this.#data = data;
    this.#root = element("div", "text", { "data-testid": "marked-text", role: "group", tabindex: 0 });
    parentElement.append(this.#root);
    this.#root.addEventListener("click", (event) => this.#choose(event.target));
  }

  /** @param {Data} data */
  accept(data) {
    const renewed = this.#drawn !== data.version;
    this.#data = data;
    this.#drawn = data.version;
    if (renewed) this.#draw();
    for (const [index, mark] of this.#marks.entries()) {
      setAttributes(mark, { "aria-pressed": String(index === data.selected) });
    }
  }

  #draw() {
    const { texts, marked, names, notes, kinds, sure, label } = this.#data;
    this.#marks = [];
    const nodes = texts.map((text, segment) => {
      const index = marked[segment];
      if (index < 0) return document.createTextNode(text);
      const mark = element("button", sure[index] ? "mark" : "mark unsure", {
        "data-testid": "marked-text-mark",
        "data-index": index,
        type: "button",
        title: notes[index],
        "aria-label": `${text}: ${names[index]}. ${notes[index]}`,
      });
      mark.style.setProperty("--tint", `oklch(0.62 0.14 ${HUES[kinds[index] % HUES.length]})`);
      const name = element("span", "name");
      name.textContent = sure[index] ? names[index] : `${names[index]}?`;
      mark.append(text, name);
      this.#marks.push(mark);
      return mark;
    });
    setAttributes(this.#root, { "aria-label": label });
    this.#root.dir = direction(texts);
    this.#root.replaceChildren(...nodes);
    const chosen = this.#marks[this.#data.selected];
    if (chosen) this.#root.scrollTop = chosen.offsetTop - this.#root.clientHeight / 2;
  }

  /** @param {EventTarget | null} target */
  #choose(target) {
    const mark = target instanceof HTMLElement ? target.closest("button") : null;
    if (mark?.dataset.index === undefined) return;
    this.#send({ version: this.#data.version, index: Number(mark.dataset.index) });
  }

  destroy() {
    this.#root.remove();
  }
}
