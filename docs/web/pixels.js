// Pictures as numbers: what nstlib.images and nstlib.methods do in Python, for rows of R, G, B one after the other.

const LOBES = 3;
const RED = 0.2126, GREEN = 0.7152, BLUE = 0.0722; // Rec. 709 luma, as in nstlib.images.luminance
const LEVELS = 4096; // of linear light that are told apart where it is encoded again

/** Width and height whose longer side is `size`, in the proportions of the picture. */
export function fitted(width, height, size) {
  const longer = Math.max(width, height);
  return [rounded((width * size) / longer), rounded((height * size) / longer)];
}

/** Halves to the even neighbour, as Python rounds. */
function rounded(value) {
  return Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}

/**
 * A picture resized as nstlib.images.resize does it: Lanczos with three lobes, widened where the picture shrinks.
 * Takes bytes of R, G, B, A, whose transparency is ignored; gives bytes of R, G, B.
 */
export function resize(rgba, width, height, newWidth, newHeight) {
  const across = weights(width, newWidth), down = weights(height, newHeight);
  const rows = new Float32Array(height * newWidth * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const { first, shares } = across[x];
      let r = 0, g = 0, b = 0;
      for (let i = 0, at = (y * width + first) * 4; i < shares.length; i++, at += 4) {
        r += shares[i] * rgba[at];
        g += shares[i] * rgba[at + 1];
        b += shares[i] * rgba[at + 2];
      }
      const to = (y * newWidth + x) * 3;
      rows[to] = r;
      rows[to + 1] = g;
      rows[to + 2] = b;
    }
  }
  const result = new Uint8ClampedArray(newHeight * newWidth * 3); // rounds and clips what is written to it
  const stride = newWidth * 3;
  for (let y = 0; y < newHeight; y++) {
    const { first, shares } = down[y];
    for (let x = 0; x < stride; x++) {
      let sum = 0;
      for (let i = 0, at = first * stride + x; i < shares.length; i++, at += stride) sum += shares[i] * rows[at];
      result[y * stride + x] = sum;
    }
  }
  return result;
}

/** For each new pixel of a line the first old one that it sees, and the shares of that and the following ones. */
function weights(from, to) {
  const step = from / to, scale = Math.max(step, 1), reach = LOBES * scale;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * step;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) => lanczos((first + i - centre + 0.5) / scale));
    const sum = raw.reduce((a, b) => a + b);
    return { first, shares: Float64Array.from(raw, (share) => share / sum) };
  });
}

function lanczos(x) {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}

/** The bytes of a picture as the network takes them: floats in [0, 1]. */
export function floats(rgb) {
  return Float32Array.from(rgb, (value) => value / 255);
}

/** What the network gives, as bytes. */
export function bytes(values) {
  return Uint8ClampedArray.from(values, (value) => value * 255);
}

/**
 * How much of a photo is painted, from 0 to 1. One that shows nothing stays as it is, since the network would make a
 * texture of its noise: nstlib.johnson.passes.paint.
 */
export function shareOf(photo) {
  return Math.min(1, Math.max(0, contrast(photo) - 1));
}

/** The photo with a share of what was painted. */
export function mixed(photo, painted, share) {
  return share === 1 ? painted : photo.map((value, i) => (1 - share) * value + share * painted[i]);
}

/** The standard deviation over the pixels, of the channel that varies most, in levels of a byte. */
function contrast(rgb) {
  const deviations = [0, 1, 2].map((channel) => {
    const values = rgb.filter((_, i) => i % 3 === channel);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  });
  return Math.max(...deviations);
}

/** How far two pictures are apart, in levels of a byte. */
export function largestDifference(one, other) {
  return one.reduce((largest, value, i) => Math.max(largest, Math.abs(value - other[i])), 0);
}

/** The photo with the lightness of the painted picture: nstlib.images.transfer_luminance. */
export function keepColours(photo, painted) {
  const result = new Uint8ClampedArray(photo.length);
  for (let i = 0; i < photo.length; i += 3) {
    const shift = luma(painted, i) - luma(photo, i);
    for (let channel = i; channel < i + 3; channel++) result[channel] = photo[channel] + shift;
  }
  return result;
}

function luma(rgb, at) {
  return RED * rgb[at] + GREEN * rgb[at + 1] + BLUE * rgb[at + 2];
}

const DECODED = Float32Array.from({ length: 256 }, (_, value) => decode(value / 255));
const ENCODED = Float32Array.from({ length: LEVELS + 1 }, (_, level) => 255 * encode(level / LEVELS));

/** Photo and painted picture mixed as light mixes, `strength` from 0 to 1 of the latter: nstlib.methods.blend. */
export function blend(photo, painted, strength) {
  if (strength === 1) return painted;
  const result = new Uint8ClampedArray(photo.length);
  for (let i = 0; i < photo.length; i++) {
    const light = (1 - strength) * DECODED[photo[i]] + strength * DECODED[painted[i]];
    result[i] = encodedByte(light);
  }
  return result;
}

/** The transfer function of sRGB (IEC 61966-2-1), from the values of files to linear light. */
function decode(value) {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function encode(light) {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Between two levels the line that joins them. */
function encodedByte(light) {
  const level = Math.min(LEVELS - 1, Math.floor(light * LEVELS));
  return ENCODED[level] + (light * LEVELS - level) * (ENCODED[level + 1] - ENCODED[level]);
}

/** Bytes of R, G, B as the ImageData of a canvas. */
export function imageData(rgb, width, height) {
  const data = new ImageData(width, height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data.data[to] = rgb[from];
    data.data[to + 1] = rgb[from + 1];
    data.data[to + 2] = rgb[from + 2];
    data.data[to + 3] = 255;
  }
  return data;
}
