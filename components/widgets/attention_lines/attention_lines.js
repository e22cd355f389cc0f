// Two lists of tokens and a canvas between them. The canvas is as large as the visible part and stays in place while
// the box scrolls; lines are sorted once by weight, so that drawing stops as soon as enough of them are on screen.

const LINE_PITCH = 20; // the height of a token
const COLUMN_SHARE = 0.3; // of the width, for each list
const SPOKEN_WEIGHTS = 3;
const READOUT_HEIGHT = 24;
const MOVING_LINES = 800; // while the box scrolls, where drawing all of them does not fit in a frame
const SLOW_MS = 8;
const STILL_MS = 120; // without scrolling: all lines again
const CONTEXT = 0.18; // how strong the other lines stay beside those of a selected token

export default function (component) {
  return mount(component, createLines);
}

// Python sends the high bytes of all levels, then the low bytes.
function joinPlanes(bytes) {
  const levels = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < levels.length; i++) levels[i] = (bytes[i] << 8) | bytes[levels.length + i];
  return levels;
}

// Indices of the levels above zero, the largest first.
function byStrength(levels) {
  const found = [];
  for (let i = 0; i < levels.length; i++) if (levels[i] > 0) found.push(i);
  return Uint32Array.from(found).sort((a, b) => levels[b] - levels[a]);
}

function createLines(parentElement) {
  const root = element("div", "lines", { "data-testid": "attention-lines", role: "group" });
  const readout = element("div", "lines-readout number ellipsis", {
    "aria-hidden": "true",
    "data-testid": "attention-lines-readout",
  });
  const box = element("div", "lines-box");
  const board = element("div", "lines-board");
  const canvas = element("canvas", "lines-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "attention-lines-canvas",
  });
  const lists = {
    query: makeList("query", "attention-lines-queries"),
    key: makeList("key", "attention-lines-keys"),
  };
  board.append(lists.query.node, canvas, lists.key.node);
  box.append(board);
  root.append(readout, box);
  parentElement.append(root);

  let component;
  let header = null;
  let levels = null; // Uint16Array (query, key)
  let order = null; // indices into levels, the strongest first
  let peak = 0;
  let theme = null;
  let tints = null; // the colour of a token by the level of its weight: { paper, ink }
  let slow = false; // whether the last full drawing took longer than fits in a frame
  let still = 0; // the timer that ends a movement
  let pointed = null; // { axis, index }
  let middle = 0; // the width between the lists

  const read = messageReader((nextHeader, bytes, renewed) => {
    const other = header?.version !== nextHeader.version;
    header = nextHeader;
    const before = theme;
    theme = readTheme(parentElement);
    if (theme !== before) {
      tints = Array.from({ length: 256 }, (_, level) => {
        const colour = [...theme.weights.subarray(3 * level, 3 * level + 3)];
        return { paper: css(colour), ink: css(inkOn(colour)) };
      });
      for (const list of Object.values(lists)) list.tinted.clear();
    }
    if (renewed) {
      levels = joinPlanes(bytes);
      order = byStrength(levels);
      peak = order.length ? levels[order[0]] : 0;
    }
    setAttributes(root, { "aria-label": header.label });
    const longest = Math.max(header.queries.length, header.keys.length);
    root.style.height = `${Math.min(header.height, READOUT_HEIGHT + longest * LINE_PITCH)}px`;
    if (other) {
      pointed = null;
      lists.query.fill(header.queries, "Tokens that look");
      lists.key.fill(header.keys, "Tokens looked at");
      box.scrollTop = 0;
    }
    if (other || renewed) nameAll();
    lists.query.select(header.selectedQuery);
    lists.key.select(header.selectedKey);
    draw();
  });

  function update(next) {
    component = next;
    read(next.data);
  }

  const at = (query, key) => query * header.keys.length + key;
  const weight = (query, key) => levels[at(query, key)] * header.step;

  // What a pointer, the keyboard or the selection singles out; the selection's own row wins over its column.
  function focus() {
    if (pointed) return pointed;
    if (header.selectedQuery !== null) return { axis: "query", index: header.selectedQuery };
    if (header.selectedKey !== null) return { axis: "key", index: header.selectedKey };
    return null;
  }

  function strongest({ axis, index }, most) {
    const others = axis === "query" ? header.keys : header.queries;
    return others
      .map((token, other) => ({
        token,
        other,
        weight: axis === "query" ? weight(index, other) : weight(other, index),
      }))
      .filter((found) => found.weight > 0)
      .sort((a, b) => b.weight - a.weight)
      .slice(0, most);
  }

  function sentence(place) {
    const token = (place.axis === "query" ? header.queries : header.keys)[place.index];
    const found = strongest(place, SPOKEN_WEIGHTS).map((one) => `${one.token} ${weightText(one.weight)}`);
    if (!found.length) return `${token}: no lines`;
    return `${token} ${place.axis === "query" ? "looks at" : "is looked at by"} ${found.join(", ")}`;
  }

  function nameAll() {
    for (const [axis, list] of Object.entries(lists)) {
      list.options.forEach((option, index) => setAttributes(option, { "aria-label": sentence({ axis, index }) }));
    }
  }

  function draw() {
    arrange();
    paint();
  }

  function arrange() {
    if (!header || box.clientWidth === 0) return;
    const side = Math.round(Math.min(220, box.clientWidth * COLUMN_SHARE));
    const longest = Math.max(header.queries.length, header.keys.length);
    board.style.height = `${longest * LINE_PITCH}px`;
    board.style.setProperty("--side", `${side}px`);
    middle = Math.max(40, box.clientWidth - 2 * side);
  }

  function paint() {
    clearTimeout(still);
    if (!header || !middle) return;
    paintLines(header.mostLines);
    paintTokens();
    describe();
  }

  // While the box scrolls the strongest lines follow it, the others when it stands still.
  function paintMoving() {
    clearTimeout(still);
    if (!slow || !header || !middle) {
      paint();
      return;
    }
    paintLines(MOVING_LINES);
    paintTokens();
    still = setTimeout(paint, STILL_MS);
  }

  function paintLines(most) {
    const started = performance.now();
    const context = crisp(canvas, middle, box.clientHeight);
    const drawn = drawLines(context, middle, box.scrollTop, box.clientHeight, most);
    if (most < header.mostLines) return;
    setAttributes(root, { "data-lines": drawn });
    if (!pointed) slow = performance.now() - started > SLOW_MS;
  }

  function drawLines(context, width, top, height, most) {
    const chosen = focus();
    const columns = header.keys.length;
    const yOf = (index) => (index + 0.5) * LINE_PITCH - top;
    const own = [];
    const others = [];
    for (const place of order) {
      const query = Math.floor(place / columns);
      const key = place % columns;
      const isOwn = !chosen || (chosen.axis === "query" ? query : key) === chosen.index;
      if (!isOwn && pointed) continue; // pointing at a token shows its lines alone
      const [from, to] = [yOf(query), yOf(key)];
      if (Math.max(from, to) < 0 || Math.min(from, to) > height) continue;
      (isOwn ? own : others).push([from, to, Math.sqrt(levels[place] / peak), isOwn ? 1 : CONTEXT]);
      if (own.length + others.length === most) break;
    }
    const colour = theme.weights.subarray(3 * 190, 3 * 190 + 3);
    context.strokeStyle = css([...colour]);
    const picked = [...others.reverse(), ...own.reverse()];
    for (const [from, to, strength, share] of picked) {
      context.globalAlpha = share * Math.max(0.04, strength ** 1.5);
      context.lineWidth = 0.75 + 2.25 * strength;
      context.beginPath();
      context.moveTo(0, from);
      context.bezierCurveTo(width / 2, from, width / 2, to, width, to);
      context.stroke();
    }
    context.globalAlpha = 1;
    return own.length;
  }

  // The tokens at the other end of the chosen one's lines take the colour of their weight: those on screen, and of them
  // those that change.
  function paintTokens() {
    const chosen = focus();
    const first = Math.floor(box.scrollTop / LINE_PITCH);
    const last = Math.ceil((box.scrollTop + box.clientHeight) / LINE_PITCH);
    for (const [axis, list] of Object.entries(lists)) {
      const colours = chosen && chosen.axis !== axis && peak;
      list.options.slice(first, last + 1).forEach((option, place) => {
        const index = first + place;
        let level = 0;
        if (colours) {
          const share = levels[axis === "key" ? at(chosen.index, index) : at(index, chosen.index)] / peak;
          level = share > 0 ? Math.max(1, Math.round(255 * Math.sqrt(share))) : 0;
        }
        if (list.tinted.get(option) === level) return;
        list.tinted.set(option, level);
        option.style.backgroundColor = level ? tints[level].paper : "";
        option.style.color = level ? tints[level].ink : "";
      });
      const now = chosen?.axis === axis ? list.options[chosen.index] : null;
      if (list.pointed !== now) {
        list.pointed?.classList.remove("pointed");
        now?.classList.add("pointed");
        list.pointed = now;
      }
    }
  }

  function describe() {
    const chosen = focus();
    setText(readout, chosen ? sentence(chosen) : "Point at a token to see its lines alone, click to select it.");
  }

  function makeList(axis, testid) {
    const node = element("div", `lines-list lines-${axis}`, { role: "listbox", "data-testid": testid });
    const list = { node, options: [], cursor: 0, pointed: null, tinted: new Map() };
    list.fill = (tokens, name) => {
      setAttributes(node, { "aria-label": name });
      list.options = tokens.map((token, index) => {
        const option = element("div", "lines-token data-colour", { role: "option", "data-index": index });
        const text = element("bdi", "ellipsis");
        text.textContent = token;
        option.append(text);
        return option;
      });
      list.pointed = null;
      list.tinted.clear();
      list.cursor = Math.min(list.cursor, tokens.length - 1);
      node.replaceChildren(...list.options);
    };
    list.select = (selected) => {
      if (selected !== null) list.cursor = selected;
      list.options.forEach((option, index) => {
        setAttributes(option, {
          "aria-selected": index === selected,
          tabindex: index === list.cursor ? 0 : -1,
        });
      });
    };
    list.moveTo = (index) => {
      list.cursor = Math.max(0, Math.min(list.options.length - 1, index));
      list.options.forEach((option, at) => setAttributes(option, { tabindex: at === list.cursor ? 0 : -1 }));
      list.options[list.cursor].focus({ preventScroll: true });
      reveal(list.cursor);
    };
    const indexOf = (event) => list.options.indexOf(event.target.closest?.('[role="option"]'));
    const point = (event) => {
      const index = indexOf(event);
      if (pointed?.axis === axis && pointed.index === index) return;
      pointed = index < 0 ? null : { axis, index };
      repaint();
    };
    node.addEventListener("pointerover", point);
    node.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "touch") return; // a lifted finger leaves: what it showed stays
      pointed = null;
      repaint();
    });
    node.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && point(event));
    node.addEventListener("focusout", () => {
      pointed = null;
      repaint();
    });
    node.addEventListener("click", (event) => {
      const index = indexOf(event);
      if (index >= 0) select(axis, index);
    });
    node.addEventListener("keydown", (event) => onKey(event, axis, list));
    return list;
  }

  function select(axis, index) {
    lists[axis].moveTo(index);
    const before = axis === "query" ? header.selectedQuery : header.selectedKey;
    lists[axis].select(before === index ? null : index);
    component.setTriggerValue("select", { version: header.version, axis, index: before === index ? -1 : index });
  }

  function reveal(index) {
    const start = index * LINE_PITCH;
    if (start < box.scrollTop) box.scrollTop = start;
    else if (start + LINE_PITCH > box.scrollTop + box.clientHeight) {
      box.scrollTop = start + LINE_PITCH - box.clientHeight;
    }
  }

  function onKey(event, axis, list) {
    if (event.altKey || event.metaKey || event.ctrlKey || !header) return;
    const moves = {
      ArrowDown: list.cursor + 1,
      ArrowUp: list.cursor - 1,
      PageDown: list.cursor + 10,
      PageUp: list.cursor - 10,
      Home: 0,
      End: list.options.length - 1,
    };
    if (event.key === "Enter" || event.key === " ") select(axis, list.cursor);
    else if (event.key === "ArrowRight" && axis === "query") lists.key.moveTo(lists.key.cursor);
    else if (event.key === "ArrowLeft" && axis === "key") lists.query.moveTo(lists.query.cursor);
    else if (event.key in moves) list.moveTo(moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const redraw = eachFrame(draw);
  const repaint = eachFrame(paint);
  const move = eachFrame(paintMoving);
  box.addEventListener("scroll", move, { passive: true });
  const observer = new ResizeObserver(redraw);
  observer.observe(box);
  window.addEventListener("resize", redraw);

  function destroy() {
    observer.disconnect();
    window.removeEventListener("resize", redraw);
    clearTimeout(still);
    for (const one of [redraw, repaint, move]) one.cancel();
    root.remove();
  }

  return { update, destroy };
}
