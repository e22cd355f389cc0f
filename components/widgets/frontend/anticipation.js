// A click is shown before Python has answered it. Until the answer arrives, a run that started before the click may
// still report the old selection, which is not shown, so that quick clicks do not flicker. A click that Python
// does not confirm in time is undone.

const LONGEST_RUN_MS = 5000;

/** @template Value */
export class Anticipation {
  /** @type {{ version: string, value: Value } | null} */
  #awaited = null;
  #timer = 0;
  #takeBack;

  /** @param {() => void} takeBack shows the last value from Python */
  constructor(takeBack) {
    this.#takeBack = takeBack;
  }

  /**
   * @param {string} version
   * @param {Value} value
   */
  expect(version, value) {
    this.settle();
    this.#awaited = { version, value };
    this.#timer = setTimeout(() => {
      this.settle();
      this.#takeBack();
    }, LONGEST_RUN_MS);
  }

  /**
   * What to show when Python reports `value`.
   * @param {string} version
   * @param {Value} value
   */
  shown(version, value) {
    const awaited = this.#awaited;
    if (awaited && awaited.version === version && awaited.value !== value) return awaited.value;
    this.settle();
    return value;
  }

  settle() {
    clearTimeout(this.#timer);
    this.#awaited = null;
  }
}
