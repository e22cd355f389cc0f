// One head, token × token. The canvas is as large as the visible part and stays in place while the box around it
// scrolls: it draws what the scroll position shows, so that 512 tokens at reading size cost no more than 24.

const READING_CELL = 16;
const LARGEST_CELL = 44;
const LABEL_PITCH = 9;

export default function (component) {
  return mount(component, createHeatmap);
}

// Python sends the high bytes of all levels, then the low bytes.
function joinPlanes(bytes) {
  const levels = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < levels.length; i++) levels[i] = (bytes[i] << 8) | bytes[levels.length + i];
  return levels;
}

// Colour levels 0 to 255, along the square root, so that faint weights are seen. Differences, with their zero in the
// middle of the levels, have it in the middle of the colours.
function shades(levels, peak, zero) {
  const shown = new Uint8Array(levels.length).fill(zero ? SIGNED_ZERO : 0);
  if (peak === 0) return shown;
  for (let i = 0; i < shown.length; i++) {
    const share = Math.sqrt(Math.abs(levels[i] - zero) / peak);
    if (!zero) shown[i] = Math.round(255 * share);
    else shown[i] = Math.round(SIGNED_ZERO + (255 - SIGNED_ZERO) * (levels[i] < zero ? -share : share));
  }
  return shown;
}

// A rows × columns picture on fewer pixels: each shows the level of its block that is farthest from zero.
function blockMaxima(levels, rows, columns, width, height, zero) {
  const largest = new Uint16Array(width * height).fill(zero);
  for (let row = 0; row < rows; row++) {
    const line = Math.floor((row * height) / rows) * width;
    for (let column = 0; column < columns; column++) {
      const pixel = line + Math.floor((column * width) / columns);
      const level = levels[row * columns + column];
      if (Math.abs(level - zero) > Math.abs(largest[pixel] - zero)) largest[pixel] = level;
    }
  }
  return largest;
}

const labelFont = (theme, size, bold) => `${bold ? "600 " : ""}${size}px ${theme.font}`;

// A label is as high as its row where that is readable.
const labelSize = (pitch) => Math.max(9, Math.min(11, Math.floor(pitch)));

// The labels to draw along one side: the marked ones first, then as many others as keep their distance.
function labelled(marked, pitch, first, last) {
  const fixed = [...new Set(marked)].filter((i) => i !== null && i >= first && i <= last);
  const shown = [...fixed];
  const every = pitch >= LABEL_PITCH ? 1 : Math.ceil((LABEL_PITCH + 2) / pitch);
  const distance = Math.min(LABEL_PITCH + 2, every * pitch);
  for (let i = Math.ceil(first / every) * every; i <= last; i += every) {
    if (!fixed.some((other) => Math.abs(other - i) * pitch < distance)) shown.push(i);
  }
  return shown;
}

function shorten(context, text, width, known) {
  const id = `${context.font} ${Math.round(width)} ${text}`;
  if (!known.has(id)) {
    const letters = [...text.replace(/\s+/g, " ").slice(0, 80)];
    let shown = letters.join("");
    for (let n = letters.length - 1; n > 0 && context.measureText(shown).width > width; n--) {
      shown = `${letters.slice(0, n).join("")}…`;
    }
    known.set(id, shown);
  }
  return known.get(id);
}

function clipped(context, rect, paint) {
  context.save();
  context.beginPath();
  context.rect(...rect);
  context.clip();
  paint();
  context.restore();
}

function createHeatmap(parentElement) {
  const root = element("div", "heatmap", { "data-testid": "attention-heatmap" });
  const head = element("div", "heatmap-head");
  const readout = element("div", "heatmap-readout number", {
    "aria-hidden": "true",
    "data-testid": "attention-heatmap-readout",
  });
  const zoomButton = element("button", "heatmap-zoom", {
    type: "button",
    "data-testid": "attention-heatmap-zoom",
  });
  const box = element("div", "heatmap-box", {
    role: "grid",
    tabindex: 0,
    "aria-activedescendant": "cell",
    "data-testid": "attention-heatmap-grid",
  });
  const sizer = element("div", "heatmap-sizer", { role: "presentation" });
  const canvas = element("canvas", "heatmap-canvas data-colour", {
    "aria-hidden": "true",
    "data-testid": "attention-heatmap-canvas",
  });
  // The one cell that exists for screen readers is the cell under the cursor.
  const spokenRow = element("div", "spoken", { role: "row" });
  const spokenCell = element("div", "", { role: "gridcell", id: "cell" });
  const live = element("div", "spoken", { "aria-live": "polite" });
  const legend = element("div", "heatmap-legend", { role: "img", "data-testid": "attention-heatmap-legend" });
  const bar = element("div", "scale-bar data-colour");
  const numbers = element("div", "scale-numbers muted number");
  spokenRow.append(spokenCell);
  sizer.append(canvas);
  box.append(sizer, spokenRow);
  head.append(readout, zoomButton);
  legend.append(bar, numbers);
  root.append(head, box, legend, live);
  parentElement.append(root);

  let component;
  let header = null;
  let levels = null; // Uint16Array (query, key)
  let peak = 0; // the farthest level from zero
  let full = 0; // the level with the full colour
  let theme = null;
  let image = null;
  let pooled = null;
  let selected = null; // the marked row
  let cursor = { row: 0, column: 0 };
  let pointed = null; // { row, column }; either is null over a label
  let cellSize = null; // null: as large as fits
  let layout = null;
  let widest = null; // of the labels, in CSS pixels: { tokens, keys }
  const shortened = new Map();
  const anticipated = anticipation(() => show(header.selected));

  const read = messageReader((nextHeader, bytes, renewed) => {
    const other = header?.version !== nextHeader.version;
    const chosen = anticipated.shown(nextHeader.version, nextHeader.selected);
    const moved = selected !== chosen;
    header = { ...nextHeader, square: !nextHeader.keys, keys: nextHeader.keys ?? nextHeader.tokens };
    selected = chosen;
    const before = theme;
    theme = readTheme(parentElement);
    if (renewed) {
      levels = joinPlanes(bytes);
      peak = 0;
      for (const level of levels) peak = Math.max(peak, Math.abs(level - header.zero));
    }
    if (other) {
      cellSize = null;
      cursor = { row: selected ?? 0, column: selectedColumn() ?? 0 };
      pointed = null;
    } else if (moved && selected !== null && selected !== cursor.row) {
      cursor = { row: selected, column: selectedColumn() ?? 0 };
    }
    shortened.clear();
    widest = null;
    const fullBefore = full;
    full = Math.max(peak, (header.full ?? 0) / header.step);
    if (renewed || theme !== before || full !== fullBefore) makeImage();
    setAttributes(root, { "data-selected": selected ?? "" });
    setAttributes(box, {
      "aria-label": header.label,
      "aria-rowcount": header.tokens.length,
      "aria-colcount": header.keys.length,
    });
    root.style.height = `${header.height}px`;
    drawLegend();
    speak();
    draw();
    if (moved && selected !== null && cellSize !== null) reveal(selected, null);
  });

  function update(next) {
    component = next;
    read(next.data);
  }

  const weight = (row, column) => (levels[row * header.keys.length + column] - header.zero) * header.step;
  const told = (value) => (header.zero ? signed(value) : weightText(value));
  const colours = () => (header.zero ? theme.differences : theme.weights);
  // Where rows and columns are the same tokens, a selected token marks both.
  const selectedColumn = () => (header.square ? selected : header.selectedKey);

  function makeImage() {
    image = picture(shades(levels, full, header.zero), header.keys.length, header.tokens.length, colours());
    pooled = null;
  }

  // For fewer pixels than tokens: scaled smoothly, a line one token thin would fade away.
  function pooledImage(width, height) {
    if (pooled?.width === width && pooled?.height === height) return pooled;
    const largest = blockMaxima(levels, header.tokens.length, header.keys.length, width, height, header.zero);
    pooled = picture(shades(largest, full, header.zero), width, height, colours());
    return pooled;
  }

  function measure(context, width, height) {
    const rows = header.tokens.length;
    const columns = header.keys.length;
    const ratio = window.devicePixelRatio || 1;
    if (!widest) {
      context.font = labelFont(theme, 11, false);
      const most = (labels) => Math.max(...labels.map((label) => context.measureText(label.slice(0, 24)).width));
      widest = { tokens: most(header.tokens), keys: most(header.keys) };
    }
    const left = Math.ceil(Math.min(widest.tokens + 10, Math.max(48, width * 0.24), 96));
    const fitWidth = Math.min((width - left) / columns, LARGEST_CELL);
    const upright = cellSize === null && widest.keys + 6 <= fitWidth;
    const top = upright ? 18 : Math.ceil(Math.min(widest.keys + 8, height * 0.26, 80));
    const fitHeight = Math.min((height - top) / rows, LARGEST_CELL);
    const whole = (size) => (size * ratio >= 3 ? Math.floor(size * ratio) / ratio : size);
    const fit = {
      width: whole(Math.min(fitWidth, 2 * fitHeight)),
      height: whole(Math.min(fitHeight, 2 * fitWidth)),
    };
    const cell = cellSize === null ? fit : { width: cellSize, height: cellSize };
    return { rows, columns, ratio, width, height, left, top, upright, fit, cell };
  }

  function draw() {
    arrange();
    paint();
  }

  // Where everything is: after new data, another size or zoom. The pointer and scrolling only paint.
  function arrange() {
    if (!header || box.clientWidth === 0) return;
    const probe = canvas.getContext("2d");
    layout = measure(probe, box.clientWidth, box.clientHeight);
    const { rows, columns, left, top, cell } = layout;
    const zoomed = cellSize !== null;
    sizer.style.width = zoomed ? `${left + columns * cell.width}px` : "100%";
    sizer.style.height = zoomed ? `${top + rows * cell.height}px` : "100%";
    layout = { ...layout, width: box.clientWidth, height: box.clientHeight }; // scroll bars may have appeared
    zoomButton.hidden = !zoomed && Math.min(layout.fit.width, layout.fit.height) >= LABEL_PITCH;
    setText(zoomButton, zoomed ? "Fit" : "Zoom in");
    setAttributes(zoomButton, { "aria-label": zoomed ? "Fit all tokens" : "Enlarge to reading size" });
  }

  function paint() {
    if (!layout || box.clientWidth === 0) return;
    const context = crisp(canvas, layout.width, layout.height);
    drawCells(context);
    drawMarks(context);
    drawLabels(context);
    describe();
  }

  const xOf = (column) => layout.left - box.scrollLeft + column * layout.cell.width;
  const yOf = (row) => layout.top - box.scrollTop + row * layout.cell.height;

  function withinCells(context, paint) {
    const { left, top, width, height } = layout;
    clipped(context, [left, top, width - left, height - top], paint);
  }

  function drawCells(context) {
    const { rows, columns, cell, ratio } = layout;
    const width = columns * cell.width;
    const height = rows * cell.height;
    withinCells(context, () => {
      context.imageSmoothingEnabled = false;
      const across = Math.min(columns, Math.floor(width * ratio));
      const down = Math.min(rows, Math.floor(height * ratio));
      const source = across < columns || down < rows ? pooledImage(across, down) : image;
      context.drawImage(source, xOf(0), yOf(0), width, height);
      context.strokeStyle = css(mix(theme.background, theme.text, 0.18));
      context.lineWidth = 1 / ratio;
      context.strokeRect(xOf(0), yOf(0), width, height);
    });
  }

  function drawMarks(context) {
    const { rows, columns, cell } = layout;
    const width = columns * cell.width;
    const height = rows * cell.height;
    withinCells(context, () => {
      if (pointed) {
        context.fillStyle = `rgb(${theme.text.join(" ")} / 12%)`;
        if (pointed.row !== null) context.fillRect(xOf(0), yOf(pointed.row), width, cell.height);
        if (pointed.column !== null) context.fillRect(xOf(pointed.column), yOf(0), cell.width, height);
      }
      context.strokeStyle = css(theme.primary);
      if (selectedColumn() !== null) {
        context.lineWidth = 1.25;
        context.strokeRect(xOf(selectedColumn()), yOf(0), Math.max(2, cell.width), height);
      }
      if (selected !== null) {
        context.lineWidth = 2;
        context.strokeRect(xOf(0) + 1, yOf(selected), width - 2, Math.max(2, cell.height));
      }
      if (root.classList.contains("keyboard")) {
        context.lineWidth = 2;
        const grow = Math.max(0, (7 - Math.min(cell.width, cell.height)) / 2);
        const rect = [
          xOf(cursor.column) - grow,
          yOf(cursor.row) - grow,
          cell.width + 2 * grow,
          cell.height + 2 * grow,
        ];
        context.strokeStyle = css(theme.background);
        context.strokeRect(rect[0] - 1.5, rect[1] - 1.5, rect[2] + 3, rect[3] + 3);
        context.strokeStyle = css(theme.text);
        context.strokeRect(...rect);
      }
    });
  }

  function drawLabels(context) {
    const { left, top, cell, upright } = layout;
    const place = pointed ?? (root.classList.contains("keyboard") ? cursor : { row: null, column: null });
    const seen = (scroll, room, size, count) => [
      Math.max(0, Math.floor(scroll / size)),
      Math.min(count - 1, Math.ceil((scroll + room) / size) - 1),
    ];
    context.textBaseline = "middle";
    const rows = seen(box.scrollTop, layout.height - top, cell.height, layout.rows);
    const columns = seen(box.scrollLeft, layout.width - left, cell.width, layout.columns);
    // Fitted, the first and the last label stay whole; scrolled, they leave with their row.
    const whole = (at, size, start, end) =>
      cellSize === null ? Math.min(end - 5, Math.max(start + 5, at + size / 2)) : at + size / 2;
    clipped(context, [0, top, left, layout.height - top], () => {
      for (const row of labelled([selected, place.row], cell.height, ...rows)) {
        const middle = whole(yOf(row), cell.height, top, layout.height);
        const turn = () => context.translate(left - 4, middle);
        drawLabel(context, header.tokens[row], {
          marked: row === selected,
          pointed: row === place.row,
          size: labelSize(cell.height),
          room: left - 8,
          turn,
          align: "right",
        });
      }
    });
    clipped(context, [left, 0, layout.width - left, top], () => {
      for (const column of labelled([selectedColumn(), place.column], cell.width, ...columns)) {
        const middle = whole(xOf(column), cell.width, left, layout.width);
        const turn = () => {
          context.translate(middle, upright ? top - 9 : top - 4);
          if (!upright) context.rotate(-Math.PI / 2);
        };
        const room = upright ? cell.width : top - 6;
        const align = upright ? "center" : "left";
        drawLabel(context, header.keys[column], {
          marked: column === selectedColumn(),
          pointed: column === place.column,
          size: labelSize(cell.width),
          room,
          turn,
          align,
        });
      }
    });
  }

  function drawLabel(context, label, { marked, pointed, size, room, turn, align }) {
    context.save();
    turn();
    context.font = labelFont(theme, size, marked || pointed);
    context.textAlign = align;
    const text = shorten(context, label, room, shortened);
    if (marked) {
      const width = context.measureText(text).width + 4;
      const start = { right: -width + 2, left: -2, center: -width / 2 }[align];
      context.fillStyle = css(theme.primary);
      context.fillRect(start, -size * 0.6, width, size * 1.2);
      context.fillStyle = css(inkOn(theme.primary));
    } else {
      context.fillStyle = css(pointed ? theme.text : mix(theme.background, theme.text, 0.75));
    }
    context.fillText(text, 0, 0.5);
    context.restore();
  }

  function drawLegend() {
    const largest = full * header.step;
    bar.style.background = gradient((place) => {
      const start = Math.round(place * 255) * 3;
      return [...colours().subarray(start, start + 3)];
    });
    // The colour follows the square root: halfway along the bar is a quarter of the largest weight.
    const marks = header.zero
      ? [-largest, 0, largest].map(signed)
      : [0, largest / 4, largest].map((value) => (value ? value.toPrecision(2) : "0"));
    numbers.replaceChildren(
      ...marks.map((mark) => {
        const number = element("span", "");
        number.textContent = mark;
        return number;
      }),
    );
    setAttributes(legend, { "aria-label": `Colour scale from ${marks[0]} through ${marks[1]} to ${marks[2]}` });
  }

  function sentence({ row, column }) {
    const { tokens, keys } = header;
    if (row === null) return [`to `, keys[column]];
    if (column === null) return [`from `, tokens[row]];
    return ["from ", tokens[row], " → to ", keys[column], `: ${told(weight(row, column))}`];
  }

  function strongest(row) {
    let column = 0;
    const size = (key) => Math.abs(weight(row, key));
    for (let i = 1; i < header.keys.length; i++) if (size(i) > size(column)) column = i;
    return column;
  }

  // Odd parts are tokens: isolated, so that a right-to-left token does not turn the sentence around it.
  function describe() {
    let parts = [`Point at a cell to read its ${header.zero ? "difference" : "weight"}.`];
    if (pointed) parts = sentence(pointed);
    else if (root.classList.contains("keyboard")) parts = sentence(cursor);
    else if (selected !== null) {
      parts = sentence({ row: selected, column: strongest(selected) });
      parts[parts.length - 1] += ", the largest of the row";
    }
    if (readout.dataset.shown === parts.join("\u0000")) return;
    readout.dataset.shown = parts.join("\u0000");
    readout.replaceChildren(
      ...parts.map((part, i) => {
        const isToken = i % 2 === 1;
        const node = element(isToken ? "bdi" : "span", isToken ? "heatmap-token ellipsis" : "");
        node.textContent = part;
        return node;
      }),
    );
  }

  function speak() {
    setAttributes(spokenRow, { "aria-rowindex": cursor.row + 1 });
    setAttributes(spokenCell, {
      "aria-colindex": cursor.column + 1,
      "aria-selected": cursor.row === selected,
    });
    setText(spokenCell, sentence(cursor).join(""));
  }

  function select(row, toggles) {
    if (row === selected && !toggles) return;
    show(row === selected ? null : row);
    anticipated.expect(header.version, selected);
    component.setTriggerValue("select", { version: header.version, axis: "query", index: selected ?? -1 });
  }

  function selectKey(column) {
    const index = column === header.selectedKey ? -1 : column;
    component.setTriggerValue("select", { version: header.version, axis: "key", index });
  }

  function show(row) {
    selected = row;
    setAttributes(root, { "data-selected": selected ?? "" });
    speak();
    repaint();
  }

  function reveal(row, column) {
    const room = [layout.height - layout.top, layout.width - layout.left];
    const scroll = (start, size, visible, current) => {
      if (start < current) return start;
      return start + size > current + visible ? start + size - visible : current;
    };
    box.scrollTop = scroll(row * layout.cell.height, layout.cell.height, room[0], box.scrollTop);
    if (column !== null) {
      box.scrollLeft = scroll(column * layout.cell.width, layout.cell.width, room[1], box.scrollLeft);
    }
  }

  function place(event) {
    if (!layout) return null;
    const frame = box.getBoundingClientRect();
    const x = event.clientX - frame.left;
    const y = event.clientY - frame.top;
    const at = (offset, start, scroll, size, count) => {
      const index = Math.floor((offset - start + scroll) / size);
      return index < count ? index : undefined;
    };
    const row = y < layout.top ? null : at(y, layout.top, box.scrollTop, layout.cell.height, layout.rows);
    const column = x < layout.left ? null : at(x, layout.left, box.scrollLeft, layout.cell.width, layout.columns);
    const nowhere = row === undefined || column === undefined || (row === null && column === null);
    return nowhere ? null : { row, column };
  }

  // Zooms so that the point under the pointer stays where it is.
  function zoomTo(size, x, y) {
    const before = layout;
    const across = (x - before.left + box.scrollLeft) / before.cell.width;
    const down = (y - before.top + box.scrollTop) / before.cell.height;
    const smallest = Math.min(before.fit.width, before.fit.height);
    cellSize = size <= smallest ? null : Math.min(LARGEST_CELL, size);
    arrange();
    repaint();
    if (cellSize === null) return;
    box.scrollLeft = across * layout.cell.width - (x - layout.left);
    box.scrollTop = down * layout.cell.height - (y - layout.top);
  }

  function onKey(event) {
    if (event.altKey || event.metaKey || !header) return;
    const lastRow = header.tokens.length - 1;
    const lastColumn = header.keys.length - 1;
    const { row, column } = cursor;
    const moves = {
      ArrowRight: { row, column: column + 1 },
      ArrowLeft: { row, column: column - 1 },
      ArrowDown: { row: row + 1, column },
      ArrowUp: { row: row - 1, column },
      PageDown: { row: row + 10, column },
      PageUp: { row: row - 10, column },
      Home: { row: event.ctrlKey ? 0 : row, column: 0 },
      End: { row: event.ctrlKey ? lastRow : row, column: lastColumn },
    };
    if (event.key !== "Enter" && event.key !== " " && !moves[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    root.classList.add("keyboard");
    pointed = null;
    if (!moves[event.key]) {
      select(row, true);
      return;
    }
    const within = (index, last) => Math.max(0, Math.min(last, index));
    cursor = { row: within(moves[event.key].row, lastRow), column: within(moves[event.key].column, lastColumn) };
    if (cellSize !== null) reveal(cursor.row, cursor.column);
    speak();
    setText(live, sentence(cursor).join(""));
    repaint();
  }

  function onPoint(event) {
    const before = pointed;
    pointed = header ? place(event) : null;
    if (before?.row !== pointed?.row || before?.column !== pointed?.column) repaint();
  }

  box.addEventListener("pointermove", onPoint);
  box.addEventListener("pointerdown", (event) => {
    if (root.classList.contains("keyboard")) repaint();
    root.classList.remove("keyboard");
    onPoint(event);
  });
  box.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "touch") return; // a lifted finger leaves: what it read stays readable
    pointed = null;
    repaint();
  });
  box.addEventListener("click", (event) => {
    const at = place(event);
    if (!at) return;
    if (at.row !== null && at.column !== null) cursor = at;
    if (at.row === null && !header.square) selectKey(at.column);
    else select(at.row ?? at.column, at.row === null || at.column === null);
  });
  box.addEventListener("keydown", onKey);
  box.addEventListener("focus", () => {
    if (box.matches(":focus-visible")) root.classList.add("keyboard");
    repaint();
  });
  box.addEventListener("blur", () => {
    root.classList.remove("keyboard");
    repaint();
  });
  box.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !layout) return; // a pinch on a touchpad arrives as a wheel with the control key
      event.preventDefault();
      const frame = box.getBoundingClientRect();
      zoomTo(
        layout.cell.height * Math.exp(-event.deltaY / 200),
        event.clientX - frame.left,
        event.clientY - frame.top,
      );
    },
    { passive: false },
  );
  zoomButton.addEventListener("click", () => {
    if (!layout) return;
    const centre = { row: selected ?? 0, column: selectedColumn() ?? 0 };
    const x = layout.left + (cellSize === null ? (centre.column + 0.5) * layout.cell.width : 0);
    const y = layout.top + (cellSize === null ? (centre.row + 0.5) * layout.cell.height : 0);
    zoomTo(cellSize === null ? READING_CELL : 0, x, y);
  });

  const redraw = eachFrame(draw);
  const repaint = eachFrame(paint);
  box.addEventListener("scroll", repaint, { passive: true });
  const observer = new ResizeObserver(redraw);
  observer.observe(box);
  window.addEventListener("resize", redraw);

  function destroy() {
    anticipated.settle();
    observer.disconnect();
    window.removeEventListener("resize", redraw);
    redraw.cancel();
    repaint.cancel();
    root.remove();
  }

  return { update, destroy };
}
