// A text of any length with coloured words, a map of the whole, and steps through its strongest words.

import { css, inkOn } from "../frontend/colour.js";
import { element, onResize, setAttributes, setText } from "../frontend/dom.js";
import { within } from "../frontend/input.js";
import { createScale, drawScale } from "../frontend/scale.js";
import { direction, signed } from "../frontend/text.js";
import { divergingColour, readTheme } from "../frontend/theme.js";
import { mount } from "../frontend/widget.js";
import { paintMap, paintSight } from "./map.js";
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { Box } from "./map.js" */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {string} version names the words
 * @property {string} label
 * @property {string} legend
 * @property {string} open what choosing a word does; "": nothing can be chosen
 * @property {boolean} signed
 * @property {number} scale
 * @property {string[]} texts
 * @property {(number | null)[]} scores null for what stands between two words
 */

const MOST_STRONG = 50; // words that one can step through

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, LongText);
}

/** @param {ShadowRoot} parentElement */
function createParts(parentElement) {
  const root = element("div", "long", { "data-testid": "long-text" });
  const bar = element("div", "bar");
  const previous = element("button", "step", { type: "button", "aria-label": "The word before it, by strength" });
  const next = element("button", "step", { type: "button", "aria-label": "The next word, by strength" });
  previous.textContent = "‹";
  next.textContent = "›";
  const readout = element("span", "readout", { "data-testid": "long-text-strongest", "aria-live": "polite" });
  const open = element("button", "open", { type: "button" });
  bar.append(previous, next, readout, open);
  const both = element("div", "both");
  const body = element("div", "body", { "data-testid": "long-text-body", role: "region", tabindex: 0 });
  const map = element("div", "map", { "data-testid": "long-text-map", "aria-hidden": "true" });
  const words = element("canvas", "");
  const sight = element("canvas", "sight");
  map.append(words, sight);
  both.append(body, map);
  const legend = element("div", "legend");
  const caption = element("span", "muted");
  const scale = createScale({ "aria-hidden": "true" });
  const scaleBox = element("div", "scale", { role: "img" });
  scaleBox.append(scale.bar, scale.numbers);
  legend.append(caption, scaleBox);
  root.append(bar, both, legend);
  parentElement.append(root);
  return { root, bar, previous, next, readout, open, body, map, words, sight, caption, scale, scaleBox };
}

class LongText {
  /** @type {string | null} */
  #drawn = null;
  /** @type {Map<number, HTMLElement>} */
  #nodes = new Map();
  /** @type {number[]} */
  #strongest = []; // indices of words, by the magnitude of their score
  #rank = -1; // the one shown; −1: none yet
  /** @type {Box[]} */
  #boxes = [];
  #parentElement;
  #send;
  #data;
  #parts;
  #endResizing;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Data} data
   */
  constructor(parentElement, send, data) {
    this.#parentElement = parentElement;
    this.#send = send;
    this.#data = data;
    this.#parts = createParts(parentElement);
    this.#endResizing = onResize(this.#parts.body, () => this.#drawMap());
    this.#listen();
  }

  /** @param {Data} data */
  accept(data) {
    const renewed = this.#drawn !== data.version;
    this.#data = data;
    this.#drawn = data.version;
    if (renewed) this.#drawWords();
    this.#colour();
    this.#drawLegend();
    this.#describe();
    this.#drawMap();
  }

  #drawWords() {
    const { texts, scores, label } = this.#data;
    const { body } = this.#parts;
    this.#nodes.clear();
    const nodes = texts.map((text, index) => {
      if (scores[index] === null) return document.createTextNode(text);
      const node = element("span", "word", { "data-testid": "long-text-word", "data-index": index });
      node.textContent = text;
      this.#nodes.set(index, node);
      return node;
    });
    setAttributes(body, { "aria-label": label });
    body.dir = direction(texts);
    body.replaceChildren(...nodes);
    body.scrollTop = 0;
    this.#strongest = [...this.#nodes.keys()]
      .filter((index) => scores[index] !== 0)
      .sort((a, b) => Math.abs(scores[b] ?? 0) - Math.abs(scores[a] ?? 0))
      .slice(0, MOST_STRONG);
    this.#rank = -1;
  }

  /** @param {number} index */
  #share(index) {
    return (this.#data.scores[index] ?? 0) / (this.#data.scale || 1);
  }

  #colour() {
    const theme = readTheme(this.#parentElement);
    for (const [index, node] of this.#nodes) {
      const colour = divergingColour(theme, this.#share(index));
      node.style.background = css(colour);
      node.style.color = css(inkOn(colour));
      node.classList.add("data-colour");
      node.title = signed(this.#data.scores[index] ?? 0);
    }
    this.#parts.body.classList.toggle("selectable", Boolean(this.#data.open));
  }

  #drawLegend() {
    const { legend, scale, signed: both } = this.#data;
    const parts = this.#parts;
    const theme = readTheme(this.#parentElement);
    const lowest = both ? -1 : 0;
    const marks = (both ? [-scale, 0, scale] : [0, scale]).map(signed);
    setText(parts.caption, legend);
    drawScale(parts.scale, (place) => divergingColour(theme, lowest + place * (1 - lowest)), marks);
    setAttributes(parts.scaleBox, { "aria-label": `Colour scale from ${marks.join(" through ")}` });
  }

  // --- the strongest words

  /** @param {number} by */
  #step(by) {
    if (!this.#strongest.length) return;
    this.#rank = within(this.#rank + by, this.#strongest.length - 1);
    const node = this.#nodes.get(this.#strongest[this.#rank]);
    const { body } = this.#parts;
    if (node) body.scrollTop = node.offsetTop - body.clientHeight / 2;
    this.#describe();
  }

  #describe() {
    const { previous, next, readout, open } = this.#parts;
    const index = this.#strongest[this.#rank];
    previous.disabled = this.#rank <= 0;
    next.disabled = this.#rank >= this.#strongest.length - 1;
    for (const [at, node] of this.#nodes) node.classList.toggle("shown", at === index);
    if (index === undefined) {
      setText(readout, "Step through the words with the largest scores");
    } else {
      const { texts, scores } = this.#data;
      const place = `${this.#rank + 1} of ${this.#strongest.length}`;
      setText(readout, `${place}: “${texts[index]}” ${signed(scores[index] ?? 0)}`);
    }
    open.hidden = index === undefined || !this.#data.open;
    setText(open, this.#data.open);
  }

  // --- the map

  #drawMap() {
    const { body, map, words } = this.#parts;
    const theme = readTheme(this.#parentElement);
    const [width, height] = [map.clientWidth, map.clientHeight];
    if (!width || !height) return;
    const across = width / Math.max(1, body.clientWidth);
    const down = Math.min(1, height / Math.max(1, body.scrollHeight));
    this.#boxes = [...this.#nodes].map(([index, node]) => ({
      x: node.offsetLeft * across,
      y: node.offsetTop * down,
      width: Math.max(1, node.offsetWidth * across),
      height: Math.max(1, node.offsetHeight * down - 0.5),
      share: this.#share(index),
    }));
    paintMap(words, width, height, this.#boxes, theme);
    this.#drawSight();
  }

  #drawSight() {
    const { body, map, sight } = this.#parts;
    const down = Math.min(1, map.clientHeight / Math.max(1, body.scrollHeight));
    const theme = readTheme(this.#parentElement);
    const frame = { start: body.scrollTop * down, size: Math.max(4, body.clientHeight * down) };
    paintSight(sight, map.clientWidth, map.clientHeight, frame, theme);
  }

  /** @param {PointerEvent} event */
  #scrollTo(event) {
    const { body, map } = this.#parts;
    const down = Math.min(1, map.clientHeight / Math.max(1, body.scrollHeight));
    const place = event.clientY - map.getBoundingClientRect().top;
    body.scrollTop = place / down - body.clientHeight / 2;
  }

  /** @param {number | undefined} index */
  #choose(index) {
    if (index === undefined || !this.#data.open) return;
    this.#send({ version: this.#data.version, index });
  }

  #listen() {
    const { body, map, previous, next, open } = this.#parts;
    previous.addEventListener("click", () => this.#step(-1));
    next.addEventListener("click", () => this.#step(1));
    open.addEventListener("click", () => this.#choose(this.#strongest[this.#rank]));
    body.addEventListener("scroll", () => this.#drawSight(), { passive: true });
    body.addEventListener("click", (event) => {
      const word = event.target instanceof HTMLElement ? event.target.dataset.index : undefined;
      if (word !== undefined) this.#choose(Number(word));
    });
    map.addEventListener("pointerdown", (event) => {
      map.setPointerCapture(event.pointerId);
      this.#scrollTo(event);
    });
    map.addEventListener("pointermove", (event) => {
      if (map.hasPointerCapture(event.pointerId)) this.#scrollTo(event);
    });
  }

  destroy() {
    this.#endResizing();
    this.#parts.root.remove();
  }
}
