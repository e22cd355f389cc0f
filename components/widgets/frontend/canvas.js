// Canvases: images of levels, and drawing at the screen's own resolution.

/** @import { Colour } from "./colour.js" */
/** @import { Scale } from "./theme.js" */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function context2d(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/** @param {number} size in CSS pixels, rounded down to whole pixels of the screen */
export function wholePixels(size) {
  const ratio = pixelRatio();
  return Math.floor(size * ratio) / ratio;
}

export const pixelRatio = () => window.devicePixelRatio || 1;

/**
 * An image of width × height colour levels (0 to 255), to be scaled by drawImage.
 * @param {Uint8Array} levels
 * @param {number} width
 * @param {number} height
 * @param {Scale} table
 */
export function picture(levels, width, height, table) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = context2d(canvas);
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

/**
 * Sizes a canvas in CSS pixels at the screen's own resolution and returns a context in CSS pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function crisp(canvas, width, height) {
  const ratio = pixelRatio();
  const pixels = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = context2d(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[x: number, y: number, width: number, height: number]} rect
 * @param {() => void} paint
 */
export function clipped(context, rect, paint) {
  context.save();
  context.beginPath();
  context.rect(...rect);
  context.clip();
  paint();
  context.restore();
}

/**
 * A style that fills an area with thin slanted lines.
 * @param {CanvasRenderingContext2D} context
 * @param {Colour} colour
 */
export function hatching(context, colour) {
  const size = 6;
  const tile = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const brush = context2d(tile);
  brush.fillStyle = `rgb(${colour.join(" ")} / 7%)`;
  brush.fillRect(0, 0, size, size);
  brush.strokeStyle = `rgb(${colour.join(" ")} / 35%)`;
  for (const shift of [-size, 0, size]) {
    brush.beginPath();
    brush.moveTo(shift, size);
    brush.lineTo(shift + size, 0);
    brush.stroke();
  }
  return context.createPattern(tile, "repeat") ?? `rgb(${colour.join(" ")} / 15%)`;
}
