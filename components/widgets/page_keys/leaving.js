// A click on a page sends the visitor there at once, but what was typed into a field, which the click submits by taking
// the focus, a moment later: the server would drop it as one about the page that was left.

const PAGE_LINK = 'a[data-testid="stPageLink-NavLink"]';
const REPORT_MS = 300;

/**
 * The page of a link as it is written: that of the main page is empty, which the browser takes for the open one.
 * @param {Element} link
 */
const pageOf = (link) => (link.getAttribute("href") ?? "").split("?")[0].replace(/^\.\/$/, "");

/**
 * Makes the link of the main page, which a click follows by itself, lead there from other pages in a new tab as well.
 */
export function nameMainPage() {
  for (const link of document.querySelectorAll(PAGE_LINK)) {
    const written = link.getAttribute("href") ?? "";
    if (pageOf(link) === "") link.setAttribute("href", `./${written}`);
  }
}

/**
 * Lets a page wait until what was typed is on its way. Returns a function to stop this.
 * @returns {() => void}
 */
export function letPagesWait() {
  /** @type {EventTarget | null} */
  let typedInto = null; // a field whose content was not submitted
  let submitted = -Infinity; // when one was
  let pressed = Infinity;

  const type = (/** @type {Event} */ event) => (typedInto = event.composedPath()[0]);
  const submit = (/** @type {Event} */ event) => {
    if (event.composedPath()[0] !== typedInto) return;
    if (event instanceof KeyboardEvent && event.key !== "Enter") return;
    submitted = performance.now();
    if (event.type === "focusout") typedInto = null;
  };
  const press = () => (pressed = performance.now());
  const click = (/** @type {MouseEvent} */ event) => {
    const now = performance.now();
    const wait = submitted >= pressed ? REPORT_MS : submitted + REPORT_MS - now;
    const target = event.composedPath()[0];
    const link = target instanceof Element ? target.closest(PAGE_LINK) : null;
    if (wait <= 0 || event.ctrlKey || event.metaKey || event.shiftKey || !(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    submitted = -Infinity;
    const page = pageOf(link);
    setTimeout(() => {
      const newest = [...document.querySelectorAll(PAGE_LINK)].find((one) => pageOf(one) === page);
      if (newest instanceof HTMLElement) newest.click();
    }, wait);
  };

  const listened = /** @type {[string, EventListener][]} */ ([
    ["input", type],
    ["focusout", submit],
    ["keydown", submit],
    ["pointerdown", press],
    ["click", click],
  ]);
  for (const [name, listener] of listened) document.addEventListener(name, listener, { capture: true });
  return () => {
    for (const [name, listener] of listened) document.removeEventListener(name, listener, { capture: true });
  };
}
