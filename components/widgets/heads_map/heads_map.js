// The heads map: pixels on one canvas, and over it a grid of transparent cells that carries hover, focus, clicks
// and names, so that nothing is redrawn while the pointer moves.

const HEAD_GAP = 2;
const HEAD_LEFT = 20;
const HEAD_TOP = 14;
const READOUT_HEIGHT = 18;
const SMALLEST_PITCH = 13;
const DIMMED = 0.18;
const NAME_HEIGHT = 13; // under a thumbnail in an ordered map: "5·10  0.62"
const NAMED_WIDTH = 62; // holds such a name
const SMALLEST_NAMED = 40;

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
  let order = []; // head indices in the order they are laid out
  let cells = []; // the cell of each, in the same order
  let places = new Map(); // head index → its place in that order
  let across = 1; // heads in a row
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
    const laidOut = ({ layers, heads, order }) => `${layers} ${heads} ${order}`;
    const reshaped = !header || laidOut(header) !== laidOut(nextHeader);
    header = nextHeader;
    pixels = bytes;
    order = header.order ?? Array.from({ length: header.layers * header.heads }, (_, index) => index);
    across = perRow();
    selected = anticipated.shown(header.version, opened());
    const off = anticipatedOff.shown(header.version, listed(header.off));
    switched = new Set(off.split(" ").filter(Boolean).map(Number));
    if (reshaped) makeCells();
    if (reshaped || renewed) cursor = selected;
    if (!places.has(cursor)) cursor = order[0];
    setAttributes(root, { "data-ordered": Boolean(header.order) });
    setAttributes(grid, { "aria-label": header.label });
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

  // As many as there are heads in a layer; fewer in an ordered map where their names would not fit.
  function perRow() {
    if (!header.order) return header.heads;
    return Math.max(1, Math.min(header.heads, order.length, Math.floor(root.clientWidth / NAMED_WIDTH)));
  }

  function makeCells() {
    places = new Map(order.map((index, place) => [index, place]));
    cells = order.map((index) =>
      element("div", "heads-cell", {
        role: "gridcell",
        "data-testid": "heads-map-cell",
        "data-layer": layerOf(index),
        "data-head": headOf(index),
      }),
    );
    makeRows();
  }

  function makeRows() {
    const rows = [];
    for (let start = 0; start < cells.length; start += across) {
      const row = element("div", "heads-row", { role: "row" });
      if (!header.order) {
        const layer = start / across;
        const name = element("button", "heads-layer", {
          type: "button",
          role: "rowheader",
          tabindex: -1,
          "data-testid": "heads-map-layer",
          "data-layer": layer,
        });
        name.addEventListener("click", () => switchLayer(layer));
        row.append(name);
      }
      row.append(...cells.slice(start, start + across));
      rows.push(row);
    }
    grid.replaceChildren(...rows);
    setAttributes(grid, { "aria-rowcount": rows.length, "aria-colcount": across });
  }

  function markCell(cell, place) {
    const index = order[place];
    const parts = [`Layer ${layerOf(index) + 1}, Head ${headOf(index) + 1}`];
    if (header.order && header.texts[index]) parts.push(header.texts[index]);
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
    const height = header.rows * header.layers * header.heads;
    image = picture(pixels, header.columns, height, header.signed ? theme.differences : theme.weights);
  }

  // Where everything is, in CSS pixels: `step` and `wide` from one head to the next, down and across.
  function measure() {
    const ratio = window.devicePixelRatio || 1;
    const whole = (size) => Math.floor(size * ratio) / ratio; // device pixels: every thumbnail equally sharp
    const left = header.order ? 0 : HEAD_LEFT;
    const top = header.order ? 0 : HEAD_TOP;
    const under = header.order ? NAME_HEIGHT : 0;
    const smallest = header.order ? SMALLEST_NAMED : SMALLEST_PITCH;
    const room = (root.clientWidth - left) / across;
    const rows = Math.ceil(order.length / across);
    const down = (header.maxHeight - READOUT_HEIGHT - top) / rows - under;
    const largest = header.maxThumbnail + HEAD_GAP;
    const pitch = whole(Math.max(Math.min(smallest, room), Math.min(room, down, largest)));
    const wide = whole(Math.max(pitch, header.order ? NAMED_WIDTH : 0, Math.min(room, pitch * header.maxStretch)));
    const step = pitch + under;
    return {
      ratio,
      left,
      top,
      step,
      wide: Math.min(wide, whole(room)),
      side: pitch - HEAD_GAP,
      width: left + Math.min(wide, whole(room)) * across,
      height: top + step * rows,
    };
  }

  function draw() {
    if (!header || root.clientWidth === 0) return;
    if (across !== perRow()) {
      across = perRow();
      const focused = grid.contains(grid.getRootNode().activeElement);
      makeRows();
      if (focused) cells[places.get(cursor)].focus({ preventScroll: true });
    }
    const { ratio, left, top, step, wide, side, width, height } = measure();
    const context = crisp(canvas, width, height);
    const ink = css(mix(theme.background, theme.text, 0.72));
    context.fillStyle = ink;
    context.font = `10px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    if (!header.order) {
      for (let head = 0; head < header.heads; head++) {
        context.fillText(head + 1, left + wide * head + (wide - HEAD_GAP) / 2, top / 2);
      }
      for (let layer = 0; layer < header.layers; layer++) {
        context.fillText(layer + 1, left / 2 - 2, top + step * layer + side / 2);
      }
    }
    context.strokeStyle = css(mix(theme.background, theme.text, 0.18));
    context.lineWidth = 1 / ratio;
    context.imageSmoothingEnabled = side * ratio < header.columns;
    context.imageSmoothingQuality = "high";
    const broad = wide - HEAD_GAP;
    order.forEach((index, place) => {
      const x = left + wide * (place % across);
      const y = top + step * Math.floor(place / across);
      context.globalAlpha = header.dimmed?.[index] || switched.has(index) ? DIMMED : 1;
      context.drawImage(image, 0, index * header.rows, header.columns, header.rows, x, y, broad, side);
      context.strokeRect(x, y, broad, side);
      if (header.values) drawValue(context, header.values[index], x, y, broad, side);
      context.globalAlpha = 1;
      if (switched.has(index)) cross(context, x, y, broad, side);
      if (header.order) {
        context.fillStyle = ink;
        context.fillText(shortName(index), x + broad / 2, y + side + NAME_HEIGHT / 2, broad);
      }
    });
    box.style.maxHeight = `${header.maxHeight - READOUT_HEIGHT}px`;
    board.style.width = `${width}px`;
    board.style.height = `${height}px`;
    grid.style.inset = `${top}px 0 0 ${left}px`;
    grid.classList.toggle("heads-switches", header.switches);
    grid.querySelectorAll(".heads-layer").forEach((name, layer) => (name.style.top = `${step * layer}px`));
    grid.style.setProperty("--step", `${step}px`);
    grid.style.setProperty("--side", `${side + (header.order ? NAME_HEIGHT : 0)}px`);
    grid.style.setProperty("--wide", `${broad}px`);
    grid.style.gridTemplateColumns = `repeat(${across}, ${wide}px)`;
  }

  const shortName = (index) =>
    `${layerOf(index) + 1}·${headOf(index) + 1}  ${header.texts[index] ?? ""}`.trimEnd();

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
    if (header.order && header.texts[index]) parts.push(header.texts[index]);
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
    const heads = order.filter((index) => layerOf(index) === layer);
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
    const cell = cells[places.get(index)];
    cell.focus({ preventScroll: true });
    const top = cell.offsetTop + HEAD_TOP;
    if (top < box.scrollTop + HEAD_TOP) box.scrollTop = top - HEAD_TOP;
    else if (top + cell.offsetHeight > box.scrollTop + box.clientHeight) {
      box.scrollTop = top + cell.offsetHeight + HEAD_GAP - box.clientHeight;
    }
  }

  function onKey(event) {
    if (event.altKey || event.metaKey || !header || event.target.matches(".heads-layer")) return;
    const at = places.get(cursor);
    const column = at % across;
    const last = order.length - 1;
    const moves = {
      // In an ordered map the next one is the next in the order, also at the end of a row.
      ArrowRight: header.order || column < across - 1 ? Math.min(at + 1, last) : at,
      ArrowLeft: header.order || column > 0 ? Math.max(at - 1, 0) : at,
      ArrowDown: at + across <= last ? at + across : at,
      ArrowUp: at >= across ? at - across : at,
      Home: event.ctrlKey ? 0 : at - column,
      End: event.ctrlKey ? last : Math.min(at - column + across - 1, last),
    };
    if (event.key === "Enter" || event.key === " ") select(cursor);
    else if (event.key in moves) moveTo(order[moves[event.key]]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const indexOf = (event) => order[cells.indexOf(event.target.closest?.('[role="gridcell"]'))] ?? -1;

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
