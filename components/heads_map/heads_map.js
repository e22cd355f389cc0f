// The heads map: pixels on one canvas, and over it a grid of transparent cells that carries hover, focus, clicks
// and names, so that nothing is redrawn while the pointer moves.

const HEAD_GAP = 2;
const HEAD_LEFT = 20;
const HEAD_TOP = 14;
const READOUT_HEIGHT = 18;
const SMALLEST_PITCH = 13;

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
  const opened = () => header.layer * header.heads + header.head;
  const anticipated = anticipation(() => {
    selected = opened();
    cells.forEach(markCell);
    describe(selected);
  });

  const read = messageReader((nextHeader, bytes, renewed) => {
    const reshaped = !header || header.layers !== nextHeader.layers || header.heads !== nextHeader.heads;
    header = nextHeader;
    pixels = bytes;
    selected = anticipated.shown(header.version, opened());
    if (reshaped) makeCells();
    if (reshaped || renewed) cursor = selected;
    setAttributes(grid, {
      "aria-label": header.label,
      "aria-rowcount": header.layers,
      "aria-colcount": header.heads,
    });
    cells.forEach(markCell);
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
      for (let head = 0; head < header.heads; head++) {
        const cell = element("div", "heads-cell", {
          role: "gridcell",
          "aria-label": `Layer ${layer + 1}, Head ${head + 1}`,
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
    setAttributes(cell, { "aria-selected": index === selected, tabindex: index === cursor ? 0 : -1 });
  }

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
    const step = Math.floor(pitch() * ratio) / ratio; // whole device pixels: every thumbnail equally sharp
    const side = step - HEAD_GAP;
    const width = HEAD_LEFT + step * header.heads;
    const height = HEAD_TOP + step * header.layers;
    const context = crisp(canvas, width, height);
    context.fillStyle = css(mix(theme.background, theme.text, 0.72));
    context.font = `10px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let head = 0; head < header.heads; head++) {
      context.fillText(head + 1, HEAD_LEFT + step * head + side / 2, HEAD_TOP / 2);
    }
    for (let layer = 0; layer < header.layers; layer++) {
      context.fillText(layer + 1, HEAD_LEFT / 2 - 2, HEAD_TOP + step * layer + side / 2);
    }
    context.strokeStyle = css(mix(theme.background, theme.text, 0.18));
    context.lineWidth = 1 / ratio;
    context.imageSmoothingEnabled = side * ratio < header.columns;
    context.imageSmoothingQuality = "high";
    cells.forEach((_, index) => {
      const x = HEAD_LEFT + step * (index % header.heads);
      const y = HEAD_TOP + step * Math.floor(index / header.heads);
      context.drawImage(image, 0, index * header.rows, header.columns, header.rows, x, y, side, side);
      context.strokeRect(x, y, side, side);
    });
    box.style.maxHeight = `${header.maxHeight - READOUT_HEIGHT}px`;
    board.style.width = `${width}px`;
    board.style.height = `${height}px`;
    grid.style.inset = `${HEAD_TOP}px 0 0 ${HEAD_LEFT}px`;
    grid.style.setProperty("--step", `${step}px`);
    grid.style.setProperty("--side", `${side}px`);
    grid.style.gridTemplateColumns = `repeat(${header.heads}, ${step}px)`;
  }

  function describe(index) {
    const name = `Layer ${Math.floor(index / header.heads) + 1} · Head ${(index % header.heads) + 1}`;
    setText(readout, index === selected ? `${name}, open` : name);
  }

  function select(index) {
    moveTo(index);
    selected = index;
    cells.forEach(markCell);
    describe(index);
    anticipated.expect(header.version, index);
    const place = { layer: Math.floor(index / header.heads), head: index % header.heads };
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
    if (event.altKey || event.metaKey || !header) return;
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
    observer.disconnect();
    window.removeEventListener("resize", redraw);
    redraw.cancel();
    root.remove();
  }

  return { update, destroy };
}
