// All heads in a notebook's cell: a click, or the arrow keys, choose the head whose map is drawn large.
// Runs in a frame without rights of its own; the first head is drawn already, and everything is readable without it.

/**
 * @typedef {object} Data
 * @property {string} levels one byte a weight, (head, query, key), base64
 * @property {string} ramp 256 colours of three bytes, base64
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {string[]} names one for each head
 * @property {number} across heads in a row
 * @property {number} most the weight of the highest level
 * @property {number} zero the level of zero
 */

/** @param {string} text */
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/**
 * @template {Element} Kind
 * @param {string} selector
 * @param {new () => Kind} kind
 */
function find(selector, kind) {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(selector);
  return found;
}

/** @type {Data} */
const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
const levels = bytes(data.levels), ramp = bytes(data.ramp);
const rows = data.rows.length, columns = data.columns.length;
const thumbnails = [...document.querySelectorAll("#heads g")].filter((group) => group.querySelector(":scope > image"));
const map = find("#map image", SVGImageElement);
const readout = find("#readout", HTMLElement), heading = find("#heading", HTMLElement);
let chosen = 0;

/** @param {number} head */
function painted(head) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  if (!context) return "";
  const pixels = context.createImageData(columns, rows);
  for (let cell = 0; cell < rows * columns; cell++) {
    const level = levels[head * rows * columns + cell];
    pixels.data.set(ramp.subarray(3 * level, 3 * level + 3), 4 * cell);
    pixels.data[4 * cell + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}

/** The weight of a level, whose colour follows its square root. @param {number} level */
function weight(level) {
  const share = (level - data.zero) / (255 - data.zero);
  return Math.sign(share) * share * share * data.most;
}

/** @param {number} head */
function choose(head) {
  if (head < 0 || head >= thumbnails.length) return;
  thumbnails[chosen].removeAttribute("aria-current");
  thumbnails[chosen].setAttribute("tabindex", "-1");
  chosen = head;
  thumbnails[head].setAttribute("aria-current", "true");
  thumbnails[head].setAttribute("tabindex", "0");
  map.setAttribute("href", painted(head));
  heading.textContent = data.names[head];
  readout.textContent = "";
}

/** @param {number} head */
function focusOn(head) {
  choose(head);
  const thumbnail = thumbnails[chosen];
  if (thumbnail instanceof SVGElement) thumbnail.focus();
}

thumbnails.forEach((thumbnail, head) => {
  thumbnail.setAttribute("role", "button");
  thumbnail.setAttribute("aria-label", data.names[head]);
  thumbnail.addEventListener("click", () => focusOn(head));
  thumbnail.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent)) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -data.across, ArrowDown: data.across };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step === undefined) return;
    event.preventDefault();
    focusOn(head + step);
  });
});

map.addEventListener("pointermove", (event) => {
  const box = map.getBoundingClientRect();
  const row = Math.min(rows - 1, Math.floor((event.clientY - box.top) / box.height * rows));
  const column = Math.min(columns - 1, Math.floor((event.clientX - box.left) / box.width * columns));
  if (row < 0 || column < 0) return;
  const level = levels[(chosen * rows + row) * columns + column];
  readout.textContent = `from ${data.rows[row]} to ${data.columns[column]}: about ${weight(level).toPrecision(2)}`;
});
map.addEventListener("pointerleave", () => readout.textContent = "");

choose(0);
