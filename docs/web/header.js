// Width and height from the first bytes of a picture file, so that a giant is refused before it is decoded.

const KINDS = [
  [(v) => v.getUint32(0) === 0x89504e47, (v) => [v.getUint32(16), v.getUint32(20)]], // PNG
  [(v) => v.getUint32(0) === 0x47494638, (v) => [v.getUint16(6, true), v.getUint16(8, true)]], // GIF
  [(v) => v.getUint16(0) === 0xffd8, jpeg],
  [(v) => v.getUint32(0) === 0x52494646 && v.getUint32(8) === 0x57454250, webp],
  [(v) => v.getUint32(4) === 0x66747970, avif],
];

/** Width and height that a file declares, or null where it is of no kind known here or cut off. */
export function declaredSize(buffer) {
  const view = new DataView(buffer);
  try {
    const [, read] = KINDS.find(([fits]) => fits(view)) ?? [];
    return read ? read(view) : null;
  } catch (error) {
    if (error instanceof RangeError) return null; // the bytes end before the size
    throw error;
  }
}

/** From one segment to the next, up to the start of a frame (SOF0 to SOF15, of which three are no frames). */
function jpeg(view) {
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
  }
}

function webp(view) {
  const kind = view.getUint32(12);
  if (kind === 0x56503858) return [1 + uint24(view, 24), 1 + uint24(view, 27)]; // VP8X
  if (kind === 0x5650384c) { // VP8L: twice 14 bits
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff)];
  }
  return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff]; // VP8
}

function uint24(view, at) {
  return view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
}

/** The largest of the boxes 'ispe': a file also holds thumbnails, and the tiles that a picture is made of. */
function avif(view) {
  const sizes = [];
  for (let at = 0; at + 16 <= view.byteLength; at++) {
    if (view.getUint32(at) === 0x69737065) sizes.push([view.getUint32(at + 8), view.getUint32(at + 12)]);
  }
  return sizes.sort(([a, b], [c, d]) => c * d - a * b)[0] ?? null;
}
