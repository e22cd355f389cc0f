// The cells as images with one pixel per cell or, where the screen has fewer pixels, one pixel per block of cells.

import { picture } from "../frontend/canvas.js";
import { SIGNED_ZERO } from "../frontend/theme.js";
/** @import { Scale } from "../frontend/theme.js" */
/** @import { HeatmapState } from "./state.js" */

/**
 * Colour levels 0 to 255, proportional to the square root, so that small weights are visible. For differences, zero is
 * the middle colour.
 * @param {Uint16Array} levels
 * @param {number} full
 * @param {number} zero
 */
function shades(levels, full, zero) {
  const shown = new Uint8Array(levels.length).fill(zero ? SIGNED_ZERO : 0);
  if (full === 0) return shown;
  for (let i = 0; i < shown.length; i++) {
    const share = Math.sqrt(Math.abs(levels[i] - zero) / full);
    if (!zero) shown[i] = Math.round(255 * share);
    else shown[i] = Math.round(SIGNED_ZERO + (255 - SIGNED_ZERO) * (levels[i] < zero ? -share : share));
  }
  return shown;
}

/**
 * A rows × columns image on fewer pixels: each pixel shows the level in its block that is farthest from zero. Smooth
 * scaling would make a line of one token fade away.
 * @param {HeatmapState} state
 * @param {number} width
 * @param {number} height
 */
function blockMaxima({ levels, tokens, keys, header }, width, height) {
  const [rows, columns, zero] = [tokens.length, keys.length, header.zero];
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

export class CellPictures {
  #state;
  #scale;
  #whole;
  /** @type {HTMLCanvasElement | null} */
  #pooled = null;

  /**
   * @param {HeatmapState} state
   * @param {Scale} scale
   */
  constructor(state, scale) {
    this.#state = state;
    this.#scale = scale;
    this.full = state.full;
    const shown = shades(state.levels, state.full, state.header.zero);
    this.#whole = picture(shown, state.keys.length, state.tokens.length, scale);
  }

  /**
   * The image for an area of this many pixels.
   * @param {number} width
   * @param {number} height
   */
  sized(width, height) {
    const { keys, tokens } = this.#state;
    if (width >= keys.length && height >= tokens.length) return this.#whole;
    return this.#poolTo(Math.min(keys.length, width), Math.min(tokens.length, height));
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #poolTo(width, height) {
    if (this.#pooled?.width !== width || this.#pooled?.height !== height) {
      const largest = blockMaxima(this.#state, width, height);
      const shown = shades(largest, this.full, this.#state.header.zero);
      this.#pooled = picture(shown, width, height, this.#scale);
    }
    return this.#pooled;
  }
}
