// Text and numbers as every widget writes them.

/**
 * The direction of a row of tokens: determined by all its letters, not by the first token, which is always [CLS].
 * @param {string[]} texts
 */
export function direction(texts) {
  const joined = texts.join(" ");
  const rightToLeft = (joined.match(/[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu) ?? [])
    .length;
  const letters = (joined.match(/\p{L}/gu) ?? []).length;
  return rightToLeft * 2 > letters ? "rtl" : "ltr";
}

/** @param {number} value */
export function signed(value) {
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 0.001 ? Math.abs(value).toPrecision(3) : Math.abs(value).toExponential(1);
  return `${value < 0 ? "−" : "+"}${digits}`;
}

/** @param {number} weight */
export function weightText(weight) {
  return weight > 0 && weight < 0.00005 ? "below 0.0001" : weight.toFixed(4);
}
