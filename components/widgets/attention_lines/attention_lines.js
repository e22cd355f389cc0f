// Two lists of tokens and a canvas between them. The canvas is as large as the visible part and stays in place while
// the box scrolls.

import { eachFrame, element, onResize, scrolledTo, setAttributes, setText } from "../frontend/dom.js";
import { readTheme } from "../frontend/theme.js";
import { mountMessages } from "../frontend/widget.js";
import { listen } from "./input.js";
import { LINE_PITCH, paintLines, paintTokens, tintsOf } from "./paint.js";
import { LinesState } from "./state.js";
import { TokenList } from "./token_list.js";
/** @import { Call, Send } from "../frontend/widget.js" */
/** @import { Header, Place } from "./state.js" */

const COLUMN_SHARE = 0.3; // of the width, for each list
const READOUT_HEIGHT = 24;
const MOVING_LINES = 800; // while the box scrolls, where drawing all of them does not fit in a frame
const SLOW_MS = 8;
const STILL_MS = 120; // without scrolling, until all lines are drawn again

/** @param {Call<Uint8Array<ArrayBuffer>>} call */
export default function (call) {
  return mountMessages(call, Lines);
}

/**
 * @param {ShadowRoot} parentElement
 * @param {TokenList} query
 * @param {TokenList} key
 */
function createParts(parentElement, query, key) {
  const root = element("div", "lines", { "data-testid": "attention-lines", role: "group" });
  const readout = element("div", "lines-readout number", {
    "aria-hidden": "true",
    "data-testid": "attention-lines-readout",
  });
  const box = element("div", "lines-box");
  const board = element("div", "lines-board");
  const canvas = element("canvas", "lines-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "attention-lines-canvas",
  });
  board.append(query.node, canvas, key.node);
  box.append(board);
  root.append(readout, box);
  parentElement.append(root);
  return { root, readout, box, board, canvas };
}

export class Lines {
  query = new TokenList("query", "attention-lines-queries");
  key = new TokenList("key", "attention-lines-keys");
  lists = [this.query, this.key];
  /** @type {string | null} */
  #filled = null; // the version that the lists show
  #middle = 0; // the width between the lists
  #slow = false; // whether the last full drawing took longer than fits in a frame
  #still = 0; // the timer that ends a movement
  #parentElement;
  #send;
  #theme;
  #tints;
  #endResizing;
  #repaint = eachFrame(() => this.#paint());
  #move = eachFrame(() => this.#paintMoving());

  /**
   * @param {ShadowRoot} parentElement
   * @param {Send} send
   * @param {Header} header
   */
  constructor(parentElement, send, header) {
    this.state = new LinesState(header);
    this.parts = createParts(parentElement, this.query, this.key);
    this.#parentElement = parentElement;
    this.#send = send;
    this.#theme = readTheme(parentElement);
    this.#tints = tintsOf(this.#theme);
    this.#endResizing = onResize(this.parts.box, () => this.#draw());
    this.parts.box.addEventListener("scroll", this.#move, { passive: true });
    listen(this);
  }

  /**
   * @param {Header} header
   * @param {Uint8Array} body
   * @param {boolean} renewed
   */
  accept(header, body, renewed) {
    const { state, parts } = this;
    const other = this.#filled !== header.version;
    state.header = header;
    if (renewed) state.takeLevels(body);
    this.#takeTheme();
    setAttributes(parts.root, { "aria-label": header.label });
    parts.root.style.height = `${Math.min(header.height, READOUT_HEIGHT + state.longest * LINE_PITCH)}px`;
    if (other) this.#fill();
    if (other || renewed) {
      for (const list of this.lists) list.name((index) => state.sentence({ axis: list.axis, index }));
    }
    for (const list of this.lists) list.select(state.selected(list.axis));
    this.#draw();
  }

  #takeTheme() {
    const theme = readTheme(this.#parentElement);
    if (theme === this.#theme) return;
    this.#theme = theme;
    this.#tints = tintsOf(theme);
    for (const list of this.lists) list.forgetTints();
  }

  #fill() {
    const { header } = this.state;
    this.#filled = header.version;
    this.state.pointed = null;
    this.query.fill(header.queries, "Attending tokens");
    this.key.fill(header.keys, "Attended tokens");
    this.parts.box.scrollTop = 0;
  }

  #draw() {
    this.#arrange();
    this.#paint();
  }

  #arrange() {
    const { box, board } = this.parts;
    if (box.clientWidth === 0) return;
    const side = Math.round(Math.min(220, box.clientWidth * COLUMN_SHARE));
    board.style.height = `${this.state.longest * LINE_PITCH}px`;
    board.style.setProperty("--side", `${side}px`);
    this.#middle = Math.max(40, box.clientWidth - 2 * side);
  }

  #paint() {
    clearTimeout(this.#still);
    if (!this.#middle) return;
    this.#paintLines(this.state.header.mostLines);
    this.#paintTokens();
    const { focus } = this.state;
    const words = focus ? this.state.sentence(focus) : "Hover over a token to see only its lines; click to select it.";
    setText(this.parts.readout, words);
  }

  // While the box scrolls, only the strongest lines are redrawn; the others follow when it stops.
  #paintMoving() {
    clearTimeout(this.#still);
    if (!this.#slow || !this.#middle) {
      this.#paint();
      return;
    }
    this.#paintLines(MOVING_LINES);
    this.#paintTokens();
    this.#still = setTimeout(() => this.#paint(), STILL_MS);
  }

  /** @param {number} most */
  #paintLines(most) {
    const { state, parts } = this;
    const started = performance.now();
    const drawn = paintLines(parts.canvas, state, this.#theme, this.#middle, this.#visible, most);
    if (most < state.header.mostLines) return;
    setAttributes(parts.root, { "data-lines": drawn });
    if (!state.pointed) this.#slow = performance.now() - started > SLOW_MS;
  }

  #paintTokens() {
    for (const list of this.lists) paintTokens(list, this.state, this.#tints, this.#visible);
  }

  get #visible() {
    return { top: this.parts.box.scrollTop, height: this.parts.box.clientHeight };
  }

  /** @param {Place | null} place */
  point(place) {
    const { pointed } = this.state;
    if (place && pointed?.axis === place.axis && pointed.index === place.index) return;
    this.state.pointed = place;
    this.#repaint();
  }

  /**
   * @param {TokenList} list
   * @param {number} index
   */
  moveTo(list, index) {
    const { box } = this.parts;
    list.moveTo(index);
    box.scrollTop = scrolledTo(box.scrollTop, list.cursor * LINE_PITCH, LINE_PITCH, box.clientHeight);
  }

  /**
   * Selects a token, or deselects the selected one.
   * @param {TokenList} list
   * @param {number} index
   */
  choose(list, index) {
    this.moveTo(list, index);
    const deselects = this.state.selected(list.axis) === index;
    list.select(deselects ? null : index);
    this.#send({ version: this.state.header.version, axis: list.axis, index: deselects ? -1 : index });
  }

  destroy() {
    this.#endResizing();
    clearTimeout(this.#still);
    this.#repaint.cancel();
    this.#move.cancel();
    this.parts.root.remove();
  }
}
