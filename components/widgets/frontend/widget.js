// The life cycle of a widget: Streamlit's calls go to one object per place on the page; events go back through `send`.

import { messageReader } from "./wire.js";

/**
 * What Streamlit calls a component with.
 * @template Data
 * @typedef {object} Call
 * @property {Data} data
 * @property {ShadowRoot} parentElement
 * @property {(name: string, value: object) => void} setTriggerValue
 */

/** @typedef {(event: { version: string, [field: string]: unknown }) => void} Send reports a choice to Python */

/**
 * @template {unknown[]} Accepted
 * @typedef {object} Widget
 * @property {(...accepted: Accepted) => void} accept receives data from Python, first right after construction
 * @property {() => void} destroy
 */

/** @typedef {{ update: (call: Call<any>) => void, destroy: () => void }} View */

/** @type {WeakMap<ShadowRoot, { view: View, calls: number }>} */
const instances = new WeakMap();

/**
 * A component whose data arrives unpacked.
 * @template Data
 * @param {Call<Data>} call
 * @param {new (parentElement: ShadowRoot, send: Send, first: Data) => Widget<[Data]>} Kind
 */
export function mount(call, Kind) {
  return mountView(call, (parentElement) => {
    /** @type {Widget<[Data]> | null} */
    let widget = null;
    const { send, newest } = sender();
    return {
      update(next) {
        newest(next);
        widget ??= new Kind(parentElement, send, next.data);
        widget.accept(next.data);
      },
      destroy: () => widget?.destroy(),
    };
  });
}

/**
 * A component whose data is a message of a header and a body, see `pack` in Python. It is created when the first
 * message has been read; `renewed` is true if the body differs from the previous one.
 * @template Header
 * @param {Call<Uint8Array<ArrayBuffer>>} call
 * @param {new (parentElement: ShadowRoot, send: Send, first: Header) =>
 *   Widget<[header: Header, body: Uint8Array, renewed: boolean]>} Kind
 */
export function mountMessages(call, Kind) {
  return mountView(call, (parentElement) => {
    /** @type {Widget<[Header, Uint8Array, boolean]> | null} */
    let widget = null;
    let destroyed = false;
    const { send, newest } = sender();
    const read = messageReader((/** @type {Header} */ header, body, renewed) => {
      if (destroyed) return;
      widget ??= new Kind(parentElement, send, header);
      widget.accept(header, body, renewed);
    });
    return {
      update(next) {
        newest(next);
        read(next.data);
      },
      destroy() {
        destroyed = true;
        widget?.destroy();
      },
    };
  });
}

// Events are sent through the newest call.
function sender() {
  /** @type {Call<unknown>} */
  let call;
  return {
    newest: (/** @type {Call<unknown>} */ next) => (call = next),
    send: /** @type {Send} */ ((event) => call.setTriggerValue("select", event)),
  };
}

// Streamlit calls the default export again on every change of data or theme, with the same parentElement, and
// a cleanup once. A view is therefore created once per parentElement and updated afterwards. The cleanup of a call
// that was superseded by a newer one runs at once, so only the newest call's cleanup may destroy the view.
/**
 * @param {Call<any>} call
 * @param {(parentElement: ShadowRoot) => View} createView
 */
function mountView(call, createView) {
  const { parentElement } = call;
  const instance = instances.get(parentElement) ?? { view: createView(parentElement), calls: 0 };
  instances.set(parentElement, instance);
  const turn = ++instance.calls;
  instance.view.update(call);
  return () => {
    if (instance.calls !== turn) return;
    instances.delete(parentElement);
    instance.view.destroy();
  };
}
