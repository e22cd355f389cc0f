// The token strip: a listbox of tokens with roving focus.

const KINDS = {
  special: "special token",
  word: "",
  piece: "part of a word",
  unknown: "not in the vocabulary",
  masked: "masked",
};

export default function (component) {
  return mount(component, createStrip);
}

function createStrip(parentElement) {
  const root = element("div", "strip", { "data-testid": "token-strip" });
  const list = element("div", "tokens", {
    role: "listbox",
    "aria-orientation": "horizontal",
    "data-testid": "token-strip-list",
  });
  const legend = element("div", "legend", { "data-testid": "token-strip-legend" });
  const caption = element("span", "legend-caption muted", { dir: "auto" });
  const scale = element("div", "scale", { role: "img" });
  const bar = element("div", "scale-bar data-colour");
  const numbers = element("div", "scale-numbers muted number", { "aria-hidden": "true" });
  const tooltip = element("div", "tooltip", {
    role: "tooltip",
    popover: "manual",
    dir: "auto",
    "data-testid": "token-strip-tooltip",
  });
  scale.append(bar, numbers);
  legend.append(caption, scale);
  root.append(list, legend, tooltip);
  parentElement.append(root);

  let component;
  let data = { tokens: [], selected: null };
  let selected = null;
  let cursor = 0;
  const options = [];
  const anticipated = anticipation(() => {
    selected = data.selected;
    options.forEach(markOption);
  });

  function update(next) {
    const renewed = data.version !== next.data.version;
    component = next;
    data = next.data;
    selected = anticipated.shown(data.version, data.selected);
    if (renewed) cursor = selected ?? 0;
    cursor = Math.min(cursor, Math.max(0, data.tokens.length - 1));
    const focused = options.includes(parentElement.activeElement);
    if (renewed) hideTooltip();
    drawTokens();
    drawLegend();
    if (focused && !options.includes(parentElement.activeElement)) options[cursor]?.focus({ preventScroll: true });
    if (selected !== null) reveal(options[selected]);
  }

  function drawTokens() {
    const theme = readTheme(parentElement);
    setAttributes(list, { "aria-label": data.label });
    list.dir = direction(data.tokens.filter((token) => token.kind !== "special").map((token) => token.text));
    while (options.length > data.tokens.length) options.pop().remove();
    while (options.length < data.tokens.length) {
      const option = element("span", "", {
        role: "option",
        "data-testid": "token-strip-token",
        "data-index": options.length,
      });
      // The direction belongs to the text alone: on the box it would turn the margins between tokens around.
      option.append(element("bdi", "", { dir: "auto" }));
      options.push(option);
      list.append(option);
    }
    data.tokens.forEach((token, index) => drawToken(options[index], token, index, theme));
  }

  function drawToken(option, token, index, theme) {
    const joins = data.tokens[index + 1]?.joined ?? false;
    option.className = [
      "token eased ellipsis",
      `kind-${token.kind}`,
      token.joined ? "joined" : "",
      joins ? "joins" : "",
      token.score === null ? "" : "scored data-colour",
    ].join(" ");
    setText(option.firstChild, token.text);
    setAttributes(option, { "aria-label": spoken(token) });
    if (token.score === null) {
      option.style.background = option.style.color = "";
    } else {
      const colour = divergingColour(theme, data.scale > 0 ? token.score / data.scale : 0);
      option.style.background = css(colour);
      option.style.color = css(inkOn(colour));
    }
    markOption(option, index);
  }

  function markOption(option, index) {
    setAttributes(option, { "aria-selected": index === selected, tabindex: index === cursor ? 0 : -1 });
  }

  function drawLegend() {
    legend.hidden = !data.scored && !data.legend;
    scale.hidden = !data.scored;
    setText(caption, data.legend);
    if (!data.scored) return;
    const theme = readTheme(parentElement);
    const ends = data.signed ? [-data.scale, 0, data.scale] : [0, data.scale];
    const lowest = data.signed ? -1 : 0;
    bar.style.background = gradient((place) => divergingColour(theme, lowest + place * (1 - lowest)));
    numbers.replaceChildren(
      ...ends.map((value) => {
        const number = element("span", "");
        number.textContent = signed(value);
        return number;
      }),
    );
    setAttributes(scale, { "aria-label": `Colour scale from ${ends.map(signed).join(" through ")}` });
  }

  function spoken(token) {
    const parts = [token.text, KINDS[token.kind]];
    if (token.score !== null) parts.push(`score ${signed(token.score)}`);
    return parts.filter(Boolean).join(", ");
  }

  function select(index) {
    selected = selected === index ? null : index;
    moveTo(index);
    anticipated.expect(data.version, selected);
    component.setTriggerValue("select", { version: data.version, index: selected ?? -1 });
  }

  function moveTo(index) {
    cursor = index;
    options.forEach(markOption);
    options[index].focus({ preventScroll: true });
    reveal(options[index]);
  }

  // Scrolls the box, never the page.
  function reveal(option) {
    if (!option || list.scrollHeight <= list.clientHeight) return;
    const box = list.getBoundingClientRect();
    const own = option.getBoundingClientRect();
    if (own.top < box.top) list.scrollTop -= box.top - own.top + 6;
    else if (own.bottom > box.bottom) list.scrollTop += own.bottom - box.bottom + 6;
  }

  // The nearest token on the next line up or down; the same token where there is none.
  function onNextLine(index, step) {
    const centre = (rect) => (rect.left + rect.right) / 2;
    const start = options[index].getBoundingClientRect();
    let best = index;
    let line = null;
    for (let i = index + step; i >= 0 && i < options.length; i += step) {
      const rect = options[i].getBoundingClientRect();
      if (Math.abs(rect.top - start.top) < rect.height / 2) continue;
      if (line !== null && Math.abs(rect.top - line) > rect.height / 2) break;
      line = rect.top;
      const distance = Math.abs(centre(rect) - centre(start));
      if (best === index || distance < Math.abs(centre(options[best].getBoundingClientRect()) - centre(start)))
        best = i;
    }
    return best;
  }

  function onKey(event) {
    if (event.key === "Escape") return hideTooltip();
    if (event.altKey || event.ctrlKey || event.metaKey || !options.length) return undefined;
    const forward = list.dir === "rtl" ? -1 : 1;
    const last = options.length - 1;
    const moves = {
      ArrowRight: () => Math.min(last, Math.max(0, cursor + forward)),
      ArrowLeft: () => Math.min(last, Math.max(0, cursor - forward)),
      ArrowDown: () => onNextLine(cursor, 1),
      ArrowUp: () => onNextLine(cursor, -1),
      Home: () => 0,
      End: () => last,
    };
    if (event.key === "Enter" || event.key === " ") select(cursor);
    else if (moves[event.key]) moveTo(moves[event.key]());
    else return undefined;
    event.preventDefault();
    return event.stopPropagation();
  }

  const indexOf = (event) => options.indexOf(event.target.closest?.('[role="option"]'));

  function showTooltip(event) {
    const index = indexOf(event);
    if (index < 0) return hideTooltip();
    const token = data.tokens[index];
    const lines = [
      token.raw,
      KINDS[token.kind],
      token.score === null ? "" : `score ${signed(token.score)}`,
      token.note,
    ];
    tooltip.replaceChildren(
      ...lines.filter(Boolean).map((line, i) => {
        const row = element("div", i ? "" : "tooltip-token", { dir: "auto" });
        row.textContent = line;
        return row;
      }),
    );
    if (!tooltip.matches(":popover-open")) tooltip.showPopover();
    const own = options[index].getBoundingClientRect();
    const tip = tooltip.getBoundingClientRect();
    const left = Math.max(4, Math.min(own.left, window.innerWidth - tip.width - 4));
    const below = own.bottom + 6;
    tooltip.style.left = `${left}px`;
    tooltip.style.top = `${below + tip.height > window.innerHeight ? own.top - tip.height - 6 : below}px`;
    return undefined;
  }

  function hideTooltip() {
    if (tooltip.matches(":popover-open")) tooltip.hidePopover();
  }

  list.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index >= 0) select(index);
  });
  list.addEventListener("keydown", onKey);
  list.addEventListener("pointerover", showTooltip);
  // A finger leaves as soon as it is lifted: after a tap the tooltip stays until the next one.
  list.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hideTooltip());
  list.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && showTooltip(event));
  list.addEventListener("focusout", hideTooltip);
  window.addEventListener("scroll", hideTooltip, { capture: true, passive: true });

  function destroy() {
    anticipated.settle();
    window.removeEventListener("scroll", hideTooltip, { capture: true });
    root.remove();
  }

  return { update, destroy };
}
