// The heads map: pixels on one canvas, and over it a grid of transparent cells that carries hover, focus, clicks
// and names, so that nothing is redrawn while the pointer moves.

const HEAD_GAP = 2;
const HEAD_LEFT = 20;
const HEAD_TOP = 14;
const READOUT_HEIGHT = 18;
const SMALLEST_PITCH = 13;
const DIMMED = 0.18;

export default function (component) {
  return mount(component, createHeadsMap);
}

function createHeadsMap(parentElement) {
  const root = element("div", "heads", { "data-testid": "heads-map" });
  const box = element("div", "heads-box");
  const board = element("div", "heads-board");
  const canvas = element("canvas", "heads-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "heads-map-canvas",
  });
  const grid = element("div", "heads-grid", { role: "grid", "data-testid": "heads-map-grid" });
  const readout = element("div", "heads-readout muted ellipsis", {
    "aria-hidden": "true",
    "data-testid": "heads-map-readout",
  });
  board.append(canvas, grid);
  box.append(board);
  root.append(box, readout);
  parentElement.append(root);

  let component;
  let header = null;
  let pixels = null;
  let image = null;
  let theme = null;
  let selected = 0; // layer · heads + head
  let cursor = 0;
  let cells = [];
  let switched = new Set(); // indices of the heads that are off
  const opened = () => header.layer * header.heads + header.head;
  const anticipated = anticipation(() => {
    selected = opened();
    cells.forEach(markCell);
    describe(selected);
  });
  // Switched heads as one text, so that they can be compared and awaited like a selection.
  const listed = (set) => [...set].sort((a, b) => a - b).join(" ");
  const anticipatedOff = anticipation(() => {
    switched = new Set(header.off);
    cells.forEach(markCell);
    draw();
  });

  const read = messageReader((nextHeader, bytes, renewed) => {
    const reshaped = !header || header.layers !== nextHeader.layers || header.heads !== nextHeader.heads;
    header = nextHeader;
    pixels = bytes;
    selected = anticipated.shown(header.version, opened());
    const off = anticipatedOff.shown(header.version, listed(header.off));
    switched = new Set(off.split(" ").filter(Boolean).map(Number));
    if (reshaped) makeCells();
    if (reshaped || renewed) cursor = selected;
    setAttributes(grid, {
      "aria-label": header.label,
      "aria-rowcount": header.layers,
      "aria-colcount": header.heads,
    });
    cells.forEach(markCell);
    grid.querySelectorAll(".heads-layer").forEach((name, layer) => {
      name.disabled = !header.switches;
      setAttributes(name, {
        "aria-label": header.switches ? `Switch all heads of layer ${layer + 1}` : `Layer ${layer + 1}`,
        tabindex: header.switches ? 0 : -1,
      });
    });
    const before = theme;
    theme = readTheme(parentElement);
    if (renewed || theme !== before) makeImage();
    draw();
    describe(selected);
  });

  function update(next) {
    component = next;
    read(next.data);
  }

  function makeCells() {
    grid.replaceChildren();
    cells = [];
    for (let layer = 0; layer < header.layers; layer++) {
      const row = element("div", "heads-row", { role: "row" });
      const name = element("button", "heads-layer", {
        type: "button",
        role: "rowheader",
        tabindex: -1,
        "data-testid": "heads-map-layer",
        "data-layer": layer,
      });
      name.addEventListener("click", () => switchLayer(layer));
      row.append(name);
      for (let head = 0; head < header.heads; head++) {
        const cell = element("div", "heads-cell", {
          role: "gridcell",
          "data-testid": "heads-map-cell",
          "data-layer": layer,
          "data-head": head,
        });
        cells.push(cell);
        row.append(cell);
      }
      grid.append(row);
    }
  }

  function markCell(cell, index) {
    const parts = [`Layer ${layerOf(index) + 1}, Head ${headOf(index) + 1}`];
    if (header.notes[index]) parts.push(header.notes[index]);
    if (switched.has(index)) parts.push("off");
    setAttributes(cell, {
      "aria-label": parts.join(", "),
      "aria-selected": index === selected && !header.switches,
      "data-off": switched.has(index),
      "data-dimmed": Boolean(header.dimmed?.[index]),
      tabindex: index === cursor ? 0 : -1,
    });
  }

  const layerOf = (index) => Math.floor(index / header.heads);
  const headOf = (index) => index % header.heads;

  function makeImage() {
    // All thumbnails one below the other: head i is the i-th block of rows.
    const height = header.rows * cells.length;
    image = picture(pixels, header.columns, height, theme.weights);
  }

  function pitch() {
    const across = (root.clientWidth - HEAD_LEFT) / header.heads;
    const down = (header.maxHeight - READOUT_HEIGHT - HEAD_TOP) / header.layers;
    const largest = header.maxThumbnail + HEAD_GAP;
    return Math.max(Math.min(SMALLEST_PITCH, across), Math.min(across, down, largest));
  }

  function draw() {
    if (!header || root.clientWidth === 0) return;
    const ratio = window.devicePixelRatio || 1;
    const whole = (size) => Math.floor(size * ratio) / ratio; // device pixels: every thumbnail equally sharp
    const step = whole(pitch());
    const room = (root.clientWidth - HEAD_LEFT) / header.heads;
    const across = whole(Math.max(step, Math.min(room, step * header.maxStretch)));
    const side = step - HEAD_GAP;
    const wide = across - HEAD_GAP;
    const width = HEAD_LEFT + across * header.heads;
    const height = HEAD_TOP + step * header.layers;
    const context = crisp(canvas, width, height);
    context.fillStyle = css(mix(theme.background, theme.text, 0.72));
    context.font = `10px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let head = 0; head < header.heads; head++) {
      context.fillText(head + 1, HEAD_LEFT + across * head + wide / 2, HEAD_TOP / 2);
    }
    for (let layer = 0; layer < header.layers; layer++) {
      context.fillText(layer + 1, HEAD_LEFT / 2 - 2, HEAD_TOP + step * layer + side / 2);
    }
    context.strokeStyle = css(mix(theme.background, theme.text, 0.18));
    context.lineWidth = 1 / ratio;
    context.imageSmoothingEnabled = side * ratio < header.columns;
    context.imageSmoothingQuality = "high";
    cells.forEach((_, index) => {
      const x = HEAD_LEFT + across * headOf(index);
      const y = HEAD_TOP + step * layerOf(index);
      context.globalAlpha = header.dimmed?.[index] || switched.has(index) ? DIMMED : 1;
      context.drawImage(image, 0, index * header.rows, header.columns, header.rows, x, y, wide, side);
      context.strokeRect(x, y, wide, side);
      if (header.values) drawValue(context, header.values[index], x, y, wide, side);
      context.globalAlpha = 1;
      if (switched.has(index)) cross(context, x, y, wide, side);
    });
    box.style.maxHeight = `${header.maxHeight - READOUT_HEIGHT}px`;
    board.style.width = `${width}px`;
    board.style.height = `${height}px`;
    grid.style.inset = `${HEAD_TOP}px 0 0 ${HEAD_LEFT}px`;
    grid.classList.toggle("heads-switches", header.switches);
    grid.querySelectorAll(".heads-layer").forEach((name, layer) => (name.style.top = `${step * layer}px`));
    grid.style.setProperty("--step", `${step}px`);
    grid.style.setProperty("--side", `${side}px`);
    grid.style.setProperty("--wide", `${wide}px`);
    grid.style.gridTemplateColumns = `repeat(${header.heads}, ${across}px)`;
  }

  // A value twice: as the length of a bar, which is read, and as the strength of the frame, which is seen from afar.
  function drawValue(context, value, x, y, wide, side) {
    const bar = Math.max(2, Math.round(side / 9));
    context.fillStyle = css(theme.background);
    context.fillRect(x, y + side - bar - 1, wide, bar + 1);
    context.fillStyle = css(theme.positive);
    context.fillRect(x, y + side - bar, wide * value, bar);
    context.save();
    context.globalAlpha *= value;
    context.lineWidth = 2;
    context.strokeStyle = css(theme.positive);
    context.strokeRect(x + 1, y + 1, wide - 2, side - 2);
    context.restore();
  }

  function cross(context, x, y, wide, side) {
    context.save();
    context.strokeStyle = css(mix(theme.background, theme.text, 0.8));
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x + 2, y + 2);
    context.lineTo(x + wide - 2, y + side - 2);
    context.moveTo(x + wide - 2, y + 2);
    context.lineTo(x + 2, y + side - 2);
    context.stroke();
    context.restore();
  }

  function describe(index) {
    const parts = [`Layer ${layerOf(index) + 1} · Head ${headOf(index) + 1}`];
    if (index === selected && !header.switches) parts.push("open");
    if (switched.has(index)) parts.push("off");
    if (header.notes[index]) parts.push(header.notes[index]);
    setText(readout, parts.join(", "));
  }

  function switchHeads(indices, place) {
    const allOff = indices.every((index) => switched.has(index));
    for (const index of indices) {
      if (allOff) switched.delete(index);
      else switched.add(index);
    }
    cells.forEach(markCell);
    draw();
    anticipatedOff.expect(header.version, listed(switched));
    component.setTriggerValue("select", { version: header.version, ...place });
  }

  function switchLayer(layer) {
    if (!header.switches) return;
    const heads = cells.map((_, index) => index).filter((index) => layerOf(index) === layer);
    switchHeads(heads, { layer, head: -1 });
  }

  function select(index) {
    moveTo(index);
    const place = { layer: layerOf(index), head: headOf(index) };
    if (header.switches) {
      switchHeads([index], place);
      describe(index);
      return;
    }
    selected = index;
    cells.forEach(markCell);
    describe(index);
    anticipated.expect(header.version, index);
    component.setTriggerValue("select", { version: header.version, ...place });
  }

  function moveTo(index) {
    cursor = index;
    cells.forEach(markCell);
    cells[index].focus({ preventScroll: true });
    const top = cells[index].offsetTop + HEAD_TOP;
    if (top < box.scrollTop + HEAD_TOP) box.scrollTop = top - HEAD_TOP;
    else if (top + cells[index].offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + cells[index].offsetHeight + HEAD_GAP - box.clientHeight;
    }
  }

  function onKey(event) {
    if (event.altKey || event.metaKey || !header || event.target.matches(".heads-layer")) return;
    const { heads } = header;
    const column = cursor % heads;
    const last = cells.length - 1;
    const moves = {
      ArrowRight: column < heads - 1 ? cursor + 1 : cursor,
      ArrowLeft: column > 0 ? cursor - 1 : cursor,
      ArrowDown: cursor + heads <= last ? cursor + heads : cursor,
      ArrowUp: cursor >= heads ? cursor - heads : cursor,
      Home: event.ctrlKey ? 0 : cursor - column,
      End: event.ctrlKey ? last : cursor - column + heads - 1,
    };
    if (event.key === "Enter" || event.key === " ") select(cursor);
    else if (event.key in moves) moveTo(moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const indexOf = (event) => cells.indexOf(event.target.closest?.('[role="gridcell"]'));

  function onPoint(event) {
    const index = indexOf(event);
    if (index >= 0) describe(index);
  }

  grid.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index >= 0) select(index);
  });
  grid.addEventListener("keydown", onKey);
  grid.addEventListener("pointerover", onPoint);
  grid.addEventListener("focusin", onPoint);
  grid.addEventListener("pointerleave", () => header && describe(selected));

  const redraw = eachFrame(draw);
  const observer = new ResizeObserver(redraw);
  observer.observe(root);
  window.addEventListener("resize", redraw);

  function destroy() {
    anticipated.settle();
    anticipatedOff.settle();
    observer.disconnect();
    window.removeEventListener("resize", redraw);
    redraw.cancel();
    root.remove();
  }

  return { update, destroy };
}
