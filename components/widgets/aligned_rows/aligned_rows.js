function createAlignedRows(parentElement) {
  const root = element("div", "aligned", { "data-testid": "aligned-rows" });
  const readout = element("div", "readout", { "data-testid": "aligned-rows-readout", "aria-live": "polite" });
  const scroller = element("div", "scroller");
  const table = element("table", "", { "data-testid": "aligned-rows-table", role: "grid" });
  scroller.append(table);
  root.append(readout, scroller);
  parentElement.append(root);

  let component = null;
  let drawn = ""; // the version that stands in the DOM
  let cells = []; // rows of cells: { node, row, cell }
  let entries = new Map(); // the same by node
  let pointed = null;
  let cursor = [0, 0];
  let selected = null;
  let shade = null; // the theme the tones were drawn with

  function update(next) {
    component = next;
    const { data } = next;
    const theme = readTheme(parentElement);
    selected = data.selected;
    if (drawn !== data.version) {
      drawn = data.version;
      cursor = [0, 0];
      draw(data);
      shade = null;
    }
    if (shade !== theme) {
      shade = theme;
      colour();
    }
    mark();
  }

  function draw(data) {
    setAttributes(table, { "aria-label": data.label });
    table.dir = direction(data.rows.flatMap((row) => (row.id === "pieces" ? row.cells.map((cell) => cell.text) : [])));
    cells = data.rows.map((row) =>
      row.cells.map((cell) => {
        const node = element("td", `kind-${cell.kind}`, {
          "data-testid": "aligned-rows-cell",
          "data-row": row.id,
          "data-from": cell.from,
          "data-to": cell.to,
          role: "gridcell",
          tabindex: -1,
          dir: "auto",
        });
        node.colSpan = cell.to - cell.from;
        setText(node, cell.text);
        return { node, row, cell };
      }),
    );
    entries = new Map(cells.flat().map((entry) => [entry.node, entry]));
    pointed = null;
    table.replaceChildren(
      ...data.rows.map((row, index) => {
        const line = element("tr", "", { role: "row" });
        const head = element("th", "", { scope: "row", title: row.meaning });
        setText(head, row.label);
        line.append(head);
        let column = 0;
        for (const entry of cells[index]) {
          if (entry.cell.from > column) line.append(gap(entry.cell.from - column));
          line.append(entry.node);
          column = entry.cell.to;
        }
        if (column < data.columns) line.append(gap(data.columns - column));
        return line;
      }),
    );
    readoutFor(null);
    cells[0]?.[0]?.node.setAttribute("tabindex", 0);
  }

  function gap(columns) {
    const node = element("td", "gap", { "aria-hidden": "true" });
    node.colSpan = columns;
    return node;
  }

  function colour() {
    for (const { node, cell } of entries.values()) {
      if (cell.tone === null) continue;
      const background = mix(shade.background, shade.negative, cell.tone * 0.85);
      node.style.background = css(background);
      node.style.color = css(inkOn(background));
      node.classList.add("data-colour");
    }
  }

  // Everything that shares a column with the pointed or selected cell.
  function mark() {
    const range = pointed ? [pointed.cell.from, pointed.cell.to] : null;
    for (const { node, cell } of entries.values()) {
      node.classList.toggle("pointed", range !== null && cell.from < range[1] && cell.to > range[0]);
      const chosen = selected !== null && cell.from <= selected && selected < cell.to;
      node.classList.toggle("chosen", chosen);
      setAttributes(node, { "aria-selected": chosen });
    }
  }

  function readoutFor(entry) {
    if (entry === null) {
      setText(readout, "Point at anything: what belongs to it lights up in every row.");
      return;
    }
    const { row, cell } = entry;
    setText(readout, `${row.label}: ${cell.text}${cell.note ? ` · ${cell.note}` : ""} · ${row.meaning}`);
  }

  const entryOf = (event) => entries.get(event.target.closest?.("td")) ?? null;

  function select(entry) {
    if (entry === null || entry.cell.to - entry.cell.from !== 1) return;
    const index = entry.cell.from === selected ? -1 : entry.cell.from;
    selected = index < 0 ? null : index;
    mark();
    component.setTriggerValue("select", { index, version: component.data.version });
  }

  function moveTo(row, column) {
    const line = cells[row];
    if (!line?.length) return;
    const entry = line[Math.max(0, Math.min(column, line.length - 1))];
    cells[cursor[0]]?.[cursor[1]]?.node.setAttribute("tabindex", -1);
    cursor = [row, line.indexOf(entry)];
    entry.node.setAttribute("tabindex", 0);
    entry.node.focus();
  }

  // The cell of another row that stands over or under this one.
  function beside(row) {
    const here = cells[cursor[0]]?.[cursor[1]];
    return Math.max(0, cells[row]?.findIndex((entry) => entry.cell.to > here.cell.from) ?? 0);
  }

  function onKey(event) {
    const [row, column] = cursor;
    const ahead = table.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = table.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const moves = {
      [ahead]: () => moveTo(row, column + 1),
      [back]: () => moveTo(row, column - 1),
      ArrowDown: () => row + 1 < cells.length && moveTo(row + 1, beside(row + 1)),
      ArrowUp: () => row > 0 && moveTo(row - 1, beside(row - 1)),
      Home: () => moveTo(row, 0),
      End: () => moveTo(row, Number.MAX_SAFE_INTEGER),
      Enter: () => select(cells[row]?.[column] ?? null),
      " ": () => select(cells[row]?.[column] ?? null),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  function pointAt(entry) {
    if (entry === pointed) return;
    pointed = entry;
    mark();
    readoutFor(entry);
  }

  table.addEventListener("pointerover", (event) => pointAt(entryOf(event)));
  table.addEventListener("focusin", (event) => pointAt(entryOf(event)));
  table.addEventListener("pointerleave", () => pointAt(null));
  table.addEventListener("click", (event) => select(entryOf(event)));
  table.addEventListener("keydown", onKey);

  return { update, destroy: () => root.remove() };
}

export default function (component) {
  return mount(component, createAlignedRows);
}
