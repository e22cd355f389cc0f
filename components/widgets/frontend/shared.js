// Goes in front of every component's script: instances, theme, colour, numbers, the wire format.

// ---- Instances --------------------------------------------------------------------------------------------
// Streamlit calls the default export again on every change of data or theme, with the same parentElement, and
// a cleanup once. A view is therefore made once per parentElement and updated afterwards. A call that was
// overtaken by a newer one has its cleanup run at once: only the newest call's cleanup may destroy the view.
const instances = new WeakMap();

function mount(component, createView) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) {
    instances.set(parentElement, { view: createView(parentElement), calls: 0 });
  }
  const instance = instances.get(parentElement);
  const call = ++instance.calls;
  instance.view.update(component);
  return () => {
    if (instance.calls !== call) return;
    instances.delete(parentElement);
    instance.view.destroy();
  };
}

function element(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  setAttributes(node, attributes);
  return node;
}

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Runs at most once a frame, however often it is asked for.
function eachFrame(draw) {
  let waiting = 0;
  const request = () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  };
  request.cancel = () => cancelAnimationFrame(waiting);
  return request;
}

const LONGEST_RUN_MS = 5000;

// A click is shown before Python has answered it. Until the answer comes, a run that started before the click may
// still report the old selection: that is not shown, so that quick clicks do not flicker. A click that Python
// does not confirm in time is taken back.
function anticipation(takeBack) {
  let awaited = null; // { version, value }
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    awaited = null;
  };
  return {
    expect(version, value) {
      settle();
      awaited = { version, value };
      timer = setTimeout(() => {
        settle();
        takeBack();
      }, LONGEST_RUN_MS);
    },
    // What to show when Python says `value`.
    shown(version, value) {
      if (awaited && awaited.version === version && awaited.value !== value) return awaited.value;
      settle();
      return value;
    },
    settle,
  };
}

// ---- Wire format: the inverse of pack() in Python ---------------------------------------------------------
function unpack(message) {
  const length = new DataView(message.buffer, message.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + length)));
  return { header, body: message.subarray(4 + length) };
}

async function inflate(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function sameBytes(a, b) {
  if (!a || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// Unpacks messages in order, inflates a body only when it is another one, and drops what was overtaken.
function messageReader(accept) {
  let lastBody = null;
  let lastBytes = null;
  let newest = 0;
  return async (message) => {
    const turn = ++newest;
    const { header, body } = unpack(message);
    if (sameBytes(lastBody, body)) {
      accept(header, lastBytes, false);
      return;
    }
    const bytes = await inflate(body);
    if (turn !== newest) return;
    lastBody = body.slice();
    lastBytes = bytes;
    accept(header, bytes, true);
  };
}

// ---- Colour: everything is blended from the theme, in OKLab so that steps look even -------------------------
const swatch = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", {
  willReadFrequently: true,
});

function parseColour(text, fallback) {
  if (!text || text === "unset") return fallback;
  swatch.clearRect(0, 0, 1, 1);
  swatch.fillStyle = "#000";
  swatch.fillStyle = text;
  swatch.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = swatch.getImageData(0, 0, 1, 1).data;
  return alpha === 0 ? fallback : [red, green, blue];
}

const toLinear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const fromLinear = (c) => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);

function toOklab(rgb) {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => Math.round(255 * fromLinear(Math.min(1, Math.max(0, c)))));
}

function mix(from, to, share) {
  const a = toOklab(from);
  const b = toOklab(to);
  return fromOklab(a.map((value, i) => value + share * (b[i] - value)));
}

const css = (rgb) => `rgb(${rgb.join(" ")})`;

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => toLinear(c / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Black or white, whichever reads better: on any colour one of the two has a contrast above 4.5.
function inkOn(rgb) {
  return luminance(rgb) > 0.179 ? [0, 0, 0] : [255, 255, 255];
}

function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

// The colour, moved towards the text colour until it stands out from the background in lightness, not in hue only.
function standingOut(colour, background, text) {
  let share = 0;
  while (share < 1 && contrast(mix(colour, text, share), background) < 4.5) share += 0.05;
  return mix(colour, text, share);
}

const themes = new Map();

// The same theme is the same object, so that `!==` tells whether to draw again.
function readTheme(parentElement) {
  const style = getComputedStyle(parentElement.host ?? parentElement);
  const names = ["background-color", "text-color", "primary-color", "blue-color", "orange-color", "font"];
  const values = names.map((name) => style.getPropertyValue(`--st-${name}`).trim());
  const id = values.join("|");
  if (!themes.has(id)) themes.set(id, makeTheme(...values));
  return themes.get(id);
}

const SIGNED_ZERO = 128; // the colour level of no difference

function makeTheme(backgroundText, textText, primaryText, blueText, orangeText, font) {
  const background = parseColour(backgroundText, [255, 255, 255]);
  const text = parseColour(textText, inkOn(background));
  const blue = parseColour(blueText, [28, 131, 225]);
  const orange = parseColour(orangeText, [217, 90, 0]);
  const theme = {
    background,
    text,
    primary: parseColour(primaryText, blue),
    font: font || "sans-serif",
    negative: standingOut(blue, background, text),
    positive: standingOut(orange, background, text),
    weights: ramp([background, mix(background, blue, 0.6), mix(blue, text, 0.15), mix(blue, text, 0.65)]),
  };
  return { ...theme, differences: divergingRamp(theme) };
}

// 256 colours through the stops, as [r, g, b] triples in one array.
function ramp(stops) {
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) {
    const place = (level / 255) * (stops.length - 1);
    const stop = Math.min(stops.length - 2, Math.floor(place));
    table.set(mix(stops[stop], stops[stop + 1], place - stop), level * 3);
  }
  return table;
}

// share in [-1, 1]: blue below zero, orange above, the background at zero.
function divergingColour(theme, share) {
  return mix(theme.background, share < 0 ? theme.negative : theme.positive, Math.min(1, Math.abs(share)));
}

// 256 colours for levels around SIGNED_ZERO, which is the background itself.
function divergingRamp(theme) {
  const table = new Uint8ClampedArray(256 * 3);
  for (let level = 0; level < 256; level++) {
    table.set(divergingColour(theme, (level - SIGNED_ZERO) / (255 - SIGNED_ZERO)), level * 3);
  }
  return table;
}

function gradient(colourAt) {
  const stops = Array.from({ length: 17 }, (_, i) => css(colourAt(i / 16)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

// A picture of width × height colour levels (0 to 255), to be scaled by drawImage.
function picture(levels, width, height, table) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < levels.length; i++) {
    const colour = levels[i] * 3;
    image.data[i * 4] = table[colour];
    image.data[i * 4 + 1] = table[colour + 1];
    image.data[i * 4 + 2] = table[colour + 2];
    image.data[i * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Sizes a canvas in CSS pixels at the screen's own resolution and returns a context in CSS pixels.
function crisp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const pixels = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// ---- Text -------------------------------------------------------------------------------------------------
// Which way a row of tokens runs: by its letters, not by its first one, which is always [CLS].
function direction(texts) {
  const joined = texts.join(" ");
  const rightToLeft = (joined.match(/[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu) ?? [])
    .length;
  const letters = (joined.match(/\p{L}/gu) ?? []).length;
  return rightToLeft * 2 > letters ? "rtl" : "ltr";
}

function signed(value) {
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 0.001 ? Math.abs(value).toPrecision(3) : Math.abs(value).toExponential(1);
  return `${value < 0 ? "−" : "+"}${digits}`;
}

function weightText(weight) {
  return weight > 0 && weight < 0.00005 ? "below 0.0001" : weight.toFixed(4);
}
