// The token strip: a listbox of tokens with roving focus, a legend and a tooltip.

import { Anticipation } from "../frontend/anticipation.js";
import { element, indexUnder, setAttributes, setText } from "../frontend/dom.js";
import { listenToKeys, listenToPointing, within } from "../frontend/input.js";
import { createScale, drawScale } from "../frontend/scale.js";
import { direction, signed } from "../frontend/text.js";
import { divergingColour, readTheme } from "../frontend/theme.js";
import { mount } from "../frontend/widget.js";
import { createOption, drawOption, facts, onNextLine, wordAround } from "./options.js";
import { Tooltip } from "./tooltip.js";
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { Data } from "./options.js" */

const MARGIN = 6; // between a revealed token and the edge of the box

/** @param {Call<Data>} call */
export default function (call) {
  return mount(call, TokenStrip);
}

/**
 * @param {ShadowRoot} parentElement
 * @param {HTMLElement} tooltip
 */
function createParts(parentElement, tooltip) {
  const root = element("div", "strip", { "data-testid": "token-strip" });
  const list = element("div", "tokens", {
    role: "listbox",
    "aria-orientation": "horizontal",
    "data-testid": "token-strip-list",
  });
  const legend = element("div", "legend", { "data-testid": "token-strip-legend" });
  const caption = element("span", "legend-caption muted", { dir: "auto" });
  const scaleBox = element("div", "scale", { role: "img" });
  const scale = createScale({ "aria-hidden": "true" });
  scaleBox.append(scale.bar, scale.numbers);
  legend.append(caption, scaleBox);
  root.append(list, legend, tooltip);
  parentElement.append(root);
  return { root, list, legend, caption, scaleBox, scale };
}

class TokenStrip {
  /** @type {string | null} */
  #drawn = null; // the version that the strip shows
  /** @type {number | null} */
  #selected = null;
  #cursor = 0;
  /** @type {HTMLElement[]} */
  #options = [];
  #tooltip = new Tooltip();
  #hideTooltip = () => this.#tooltip.hide();
  #anticipated = new Anticipation(() => {
    this.#selected = this.#data.selected;
    this.#mark();
  });
  #parentElement;
  #send;
  #data;
  #parts;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Data} data
   */
  constructor(parentElement, send, data) {
    this.#parentElement = parentElement;
    this.#send = send;
    this.#data = data;
    this.#parts = createParts(parentElement, this.#tooltip.node);
    this.#listen();
  }

  /** @param {Data} data */
  accept(data) {
    const renewed = this.#drawn !== data.version;
    this.#drawn = data.version;
    this.#data = data;
    this.#selected = this.#anticipated.shown(data.version, data.selected);
    if (renewed) this.#cursor = this.#selected ?? 0;
    this.#cursor = Math.min(this.#cursor, Math.max(0, data.tokens.length - 1));
    const focused = this.#hasFocus;
    if (renewed) this.#tooltip.hide();
    this.#parts.root.classList.toggle("large", data.large);
    this.#parts.root.classList.toggle("selectable", data.selectable);
    this.#drawTokens();
    this.#drawLegend();
    if (focused && !this.#hasFocus) this.#options[this.#cursor]?.focus({ preventScroll: true });
    if (this.#selected !== null) this.#reveal(this.#options[this.#selected]);
  }

  get #hasFocus() {
    return this.#options.some((option) => option === this.#parentElement.activeElement);
  }

  #drawTokens() {
    const { label, tokens } = this.#data;
    const { list } = this.#parts;
    const theme = readTheme(this.#parentElement);
    setAttributes(list, { "aria-label": label });
    list.dir = direction(tokens.filter((token) => token.kind !== "special").map((token) => token.text));
    while (this.#options.length > tokens.length) this.#options.pop()?.remove();
    while (this.#options.length < tokens.length) {
      const option = createOption(this.#options.length);
      this.#options.push(option);
      list.append(option);
    }
    this.#options.forEach((option, index) => drawOption(option, index, this.#data, theme));
    this.#mark();
  }

  #mark() {
    const word = wordAround(this.#data.tokens, this.#selected);
    this.#options.forEach((option, index) => {
      setAttributes(option, {
        "aria-selected": index === this.#selected,
        "data-second": this.#selected !== null && index === this.#data.second,
        "data-same-word": index !== this.#selected && word.has(index),
        tabindex: index === this.#cursor ? 0 : -1,
      });
    });
  }

  #drawLegend() {
    const data = this.#data;
    const { legend, caption, scaleBox, scale } = this.#parts;
    legend.hidden = !data.scored && !data.legend;
    scaleBox.hidden = !data.scored;
    setText(caption, data.legend);
    if (!data.scored) return;
    const theme = readTheme(this.#parentElement);
    const marks = (data.signed ? [-data.scale, 0, data.scale] : [0, data.scale]).map(signed);
    const lowest = data.signed ? -1 : 0;
    drawScale(scale, (place) => divergingColour(theme, lowest + place * (1 - lowest)), marks);
    setAttributes(scaleBox, { "aria-label": `Colour scale from ${marks.join(" through ")}` });
  }

  /**
   * @param {number} index
   * @param {boolean} second
   */
  #chosen(index, second) {
    if (second) this.#chooseSecond(index);
    else this.#choose(index);
  }

  // Selects a token, or deselects the selected one.
  /** @param {number} index */
  #choose(index) {
    if (!this.#data.selectable) return;
    this.#selected = this.#selected === index ? null : index;
    this.#data.second = null;
    this.#moveTo(index);
    this.#anticipated.expect(this.#data.version, this.#selected);
    this.#send({ version: this.#data.version, index: this.#selected ?? -1 });
  }

  // Chooses the second token of a pair, or none again. Where no first one is selected, one may just have been in another
  // strip: the page knows, and else the token becomes the first.
  /** @param {number} index */
  #chooseSecond(index) {
    const data = this.#data;
    if (!data.pairs || this.#selected === index) return this.#choose(index);
    data.second = data.second === index ? null : index;
    this.#moveTo(index);
    this.#send({ version: data.version, index: this.#selected ?? index, second: data.second ?? -1 });
  }

  /** @param {number} index */
  #moveTo(index) {
    this.#cursor = within(index, this.#options.length - 1);
    this.#mark();
    const option = this.#options[this.#cursor];
    option.focus({ preventScroll: true });
    this.#reveal(option);
  }

  // Scrolls the box, never the page.
  /** @param {HTMLElement} option */
  #reveal(option) {
    const { list } = this.#parts;
    if (!option || list.scrollHeight <= list.clientHeight) return;
    const box = list.getBoundingClientRect();
    const own = option.getBoundingClientRect();
    if (own.top < box.top) list.scrollTop -= box.top - own.top + MARGIN;
    else if (own.bottom > box.bottom) list.scrollTop += own.bottom - box.bottom + MARGIN;
  }

  /** @param {Event} event */
  #tokenUnder(event) {
    return indexUnder(event, this.#options, "option");
  }

  /** @param {number} index */
  #showTooltip(index) {
    const token = this.#data.tokens[index];
    if (!token) return this.#tooltip.hide();
    const lines = [token.raw, ...facts(token), token.note];
    return this.#tooltip.show(this.#options[index], lines.filter(Boolean));
  }

  #listen() {
    const { list } = this.#parts;
    const moveTo = (/** @type {number} */ index) => this.#moveTo(index);
    list.addEventListener("pointerdown", (event) => {
      if (!this.#data.selectable) event.preventDefault();
    });
    list.addEventListener("click", (event) => {
      const index = this.#tokenUnder(event);
      if (index >= 0) this.#chosen(index, event.shiftKey);
    });
    listenToKeys(
      list,
      {
        next: () => moveTo(this.#cursor + 1),
        previous: () => moveTo(this.#cursor - 1),
        down: () => moveTo(onNextLine(this.#options, this.#cursor, 1)),
        up: () => moveTo(onNextLine(this.#options, this.#cursor, -1)),
        home: () => moveTo(0),
        end: () => moveTo(Infinity),
        choose: (event) => this.#chosen(this.#cursor, event.shiftKey),
      },
      { mirrored: () => list.dir === "rtl" },
    );
    list.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#tooltip.hide();
    });
    listenToPointing(list, (event) => this.#showTooltip(this.#tokenUnder(event)), this.#hideTooltip);
    window.addEventListener("scroll", this.#hideTooltip, { capture: true, passive: true });
  }

  destroy() {
    this.#anticipated.settle();
    window.removeEventListener("scroll", this.#hideTooltip, { capture: true });
    this.#parts.root.remove();
  }
}
