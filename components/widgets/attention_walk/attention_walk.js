// One head, token by token: where each attends, as arcs. The walk goes on about once a second unless it is paused.

import { element, indexUnder, onResize, setAttributes, setText } from "../frontend/dom.js";
import { listenToKeys, listenToPointing, within } from "../frontend/input.js";
import { readTheme } from "../frontend/theme.js";
import { mountMessages } from "../frontend/widget.js";
import { joinPlanes } from "../frontend/wire.js";
import { createArcs, drawArcs, drawToken, percentText } from "./arcs.js";
/** @import { Call, Send } from "../frontend/widget.js" */

const STEP_MS = 1200;
const SPOKEN = 3; // how many of the attended tokens are named
const LEAST_SPOKEN = 0.05;
const TURNS = ["first", "second", "third", "fourth"];
const WANTS_LESS_MOTION = "(prefers-reduced-motion: reduce)";

/**
 * What Python sends with the levels.
 * @typedef {object} Header
 * @property {string} version names what is drawn
 * @property {string} label
 * @property {string[]} tokens
 * @property {number[]} path the tokens to walk along
 * @property {number} step the weight of one level
 */

/** @param {Call<Uint8Array<ArrayBuffer>>} call */
export default function (call) {
  return mountMessages(call, AttentionWalk);
}

/** @param {ShadowRoot} parentElement */
function createParts(parentElement) {
  const root = element("div", "walk", { "data-testid": "attention-walk", role: "group" });
  const stage = element("div", "stage");
  const arcs = createArcs();
  const list = element("div", "tokens", { role: "listbox", "aria-orientation": "horizontal" });
  const bar = element("div", "bar");
  const play = element("button", "play", { type: "button", "data-testid": "attention-walk-play" });
  const readout = element("div", "readout number", { "data-testid": "attention-walk-readout" });
  stage.append(arcs, list);
  bar.append(play, readout);
  root.append(stage, bar);
  parentElement.append(root);
  return { root, stage, arcs, list, play, readout };
}

class AttentionWalk {
  #levels = new Uint16Array(); // (query, key)
  /** @type {string | null} */
  #drawn = null; // the version that is drawn
  /** @type {HTMLElement[]} */
  #options = [];
  #query = 0; // the token whose turn it is
  /** @type {number | null} */
  #pointed = null;
  #playing = !matchMedia(WANTS_LESS_MOTION).matches;
  #timer = 0;
  #parentElement;
  #header;
  #parts;
  #endResizing;

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} _send
   * @param {Header} header
   */
  constructor(parentElement, _send, header) {
    this.#parentElement = parentElement;
    this.#header = header;
    this.#parts = createParts(parentElement);
    this.#listen();
    this.#endResizing = onResize(this.#parts.stage, () => this.#arrange());
    this.#timer = setInterval(() => this.#walk(), STEP_MS);
  }

  /**
   * @param {Header} header
   * @param {Uint8Array} body
   * @param {boolean} renewed
   */
  accept(header, body, renewed) {
    this.#header = header;
    if (renewed) this.#levels = joinPlanes(body);
    setAttributes(this.#parts.list, { "aria-label": header.label });
    setAttributes(this.#parts.root, { "aria-label": header.label });
    if (this.#drawn !== header.version) {
      this.#drawn = header.version;
      this.#query = header.path[0];
      this.#pointed = null;
      this.#fill();
    }
    this.#arrange();
  }

  #fill() {
    this.#options = this.#header.tokens.map((token, index) => {
      const option = element("div", "token", {
        role: "option",
        "data-testid": "attention-walk-token",
        "data-index": index,
      });
      const text = element("bdi", "text data-colour");
      text.textContent = token;
      option.append(text, element("span", "share number", { "aria-hidden": "true" }));
      return option;
    });
    this.#parts.list.replaceChildren(...this.#options);
  }

  // In one line if the tokens fit, else below each other.
  #arrange() {
    const { root, stage, list } = this.#parts;
    if (!stage.clientWidth) return;
    root.classList.remove("upright");
    root.classList.toggle("upright", list.scrollWidth > stage.clientWidth + 1);
    setAttributes(list, { "aria-orientation": root.classList.contains("upright") ? "vertical" : "horizontal" });
    this.#draw();
  }

  get #shown() {
    return this.#pointed ?? this.#query;
  }

  /** @param {number} query */
  #weights(query) {
    const count = this.#header.tokens.length;
    return Array.from(
      this.#levels.subarray(query * count, (query + 1) * count),
      (level) => level * this.#header.step,
    );
  }

  #draw() {
    const { root, arcs, stage, play, readout } = this.#parts;
    const query = this.#shown;
    const weights = this.#weights(query);
    const theme = readTheme(this.#parentElement);
    this.#options.forEach((option, index) => {
      drawToken(option, weights[index], theme);
      setAttributes(option, {
        "aria-selected": index === query,
        "aria-label": `${this.#header.tokens[index]}, ${percentText(weights[index])}`,
        tabindex: index === query ? 0 : -1,
      });
    });
    drawArcs(arcs, stage, this.#options, { query, weights, upright: root.classList.contains("upright") }, theme);
    setText(readout, this.#sentence(query, weights));
    setAttributes(readout, { "aria-live": this.#playing ? "off" : "polite" });
    setText(play, this.#playing ? "Pause" : "Play");
    setAttributes(root, { "data-query": query, "data-playing": this.#playing });
  }

  /**
   * @param {number} query
   * @param {number[]} weights
   */
  #sentence(query, weights) {
    const { tokens } = this.#header;
    const found = weights
      .map((weight, index) => ({ weight, token: index === query ? "itself" : `“${tokens[index]}”` }))
      .filter(({ weight }) => weight >= LEAST_SPOKEN)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, SPOKEN);
    const told = found.map(({ token, weight }) => `${token} (${percentText(weight)})`).join(", ");
    return `${this.#named(query)} attends to ${told || "everything a little"}`;
  }

  // A token that is there more than once is told with its turn: the second “is”.
  /** @param {number} index */
  #named(index) {
    const { tokens } = this.#header;
    const same = tokens.flatMap((token, place) => (token === tokens[index] ? [place] : []));
    const turn = same.length > 1 ? TURNS[same.indexOf(index)] : undefined;
    return turn ? `the ${turn} “${tokens[index]}”` : `“${tokens[index]}”`;
  }

  // The next token of the path; unseen or while a token is pointed at, the walk waits.
  #walk() {
    if (!this.#playing || this.#pointed !== null || document.hidden) return;
    const { path } = this.#header;
    this.#query = path[(path.indexOf(this.#query) + 1) % path.length];
    this.#draw();
  }

  /** @param {number} index */
  #holdAt(index) {
    this.#playing = false;
    this.#pointed = null;
    this.#query = within(index, this.#options.length - 1);
    this.#draw();
  }

  /** @param {number} index */
  #moveTo(index) {
    this.#holdAt(index);
    this.#options[this.#query].focus({ preventScroll: true });
  }

  #listen() {
    const { list, play } = this.#parts;
    const under = (/** @type {Event} */ event) => indexUnder(event, this.#options, "option");
    play.addEventListener("click", () => {
      this.#playing = !this.#playing;
      this.#walk();
      this.#draw();
    });
    // a token that is clicked leaves the focus, and with it the arrow keys, to the page
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const index = under(event);
      if (index >= 0) this.#holdAt(index);
    });
    listenToPointing(list, (event) => this.#point(under(event)), () => this.#point(-1));
    const moveBy = (/** @type {number} */ tokens) => this.#moveTo(this.#query + tokens);
    listenToKeys(list, {
      next: () => moveBy(1),
      previous: () => moveBy(-1),
      down: () => moveBy(1),
      up: () => moveBy(-1),
      home: () => this.#moveTo(0),
      end: () => this.#moveTo(Infinity),
      choose: () => this.#moveTo(this.#query),
    });
  }

  /** @param {number} index of the token that is pointed at; −1: none */
  #point(index) {
    const pointed = index < 0 ? null : index;
    if (pointed === this.#pointed) return;
    this.#pointed = pointed;
    this.#draw();
  }

  destroy() {
    clearInterval(this.#timer);
    this.#endResizing();
    this.#parts.root.remove();
  }
}
