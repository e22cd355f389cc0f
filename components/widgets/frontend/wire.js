// The wire format: the inverse of pack() in Python.

/** @param {Uint8Array<ArrayBuffer>} message */
function unpack(message) {
  const length = new DataView(message.buffer, message.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(message.subarray(4, 4 + length)));
  return { header, body: message.subarray(4 + length) };
}

/** @param {Uint8Array<ArrayBuffer>} body */
async function inflate(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Unpacks messages in order, inflates a body only if it has changed, and drops superseded messages.
 * @param {(header: any, bytes: Uint8Array, renewed: boolean) => void} accept
 */
export function messageReader(accept) {
  /** @type {{ body: Uint8Array, bytes: Uint8Array } | null} */
  let last = null;
  let newest = 0;
  return async (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
    const turn = ++newest;
    const { header, body } = unpack(message);
    if (last && sameBytes(last.body, body)) {
      accept(header, last.bytes, false);
      return;
    }
    const bytes = await inflate(body);
    if (turn !== newest) return;
    last = { body: body.slice(), bytes };
    accept(header, bytes, true);
  };
}

/**
 * 16-bit levels from the bytes that Python sends: all high bytes, then all low bytes.
 * @param {Uint8Array} bytes
 */
export function joinPlanes(bytes) {
  const levels = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < levels.length; i++) levels[i] = (bytes[i] << 8) | bytes[levels.length + i];
  return levels;
}
