// The hovered or focused token, in full.

import { element } from "../frontend/dom.js";

export class Tooltip {
  node = element("div", "tooltip", {
    role: "tooltip",
    popover: "manual",
    dir: "auto",
    "data-testid": "token-strip-tooltip",
  });

  /**
   * Shows the tooltip below a node, or above it if there is no room below.
   * @param {Element} node
   * @param {string[]} lines
   */
  show(node, lines) {
    this.node.replaceChildren(
      ...lines.map((line, i) => {
        const row = element("div", i ? "" : "tooltip-token", { dir: "auto" });
        row.textContent = line;
        return row;
      }),
    );
    if (!this.#shown) this.node.showPopover();
    const own = node.getBoundingClientRect();
    const tip = this.node.getBoundingClientRect();
    const left = Math.max(4, Math.min(own.left, window.innerWidth - tip.width - 4));
    const below = own.bottom + 6;
    this.node.style.left = `${left}px`;
    this.node.style.top = `${below + tip.height > window.innerHeight ? own.top - tip.height - 6 : below}px`;
  }

  hide() {
    if (this.#shown) this.node.hidePopover();
  }

  get #shown() {
    return this.node.matches(":popover-open");
  }
}
