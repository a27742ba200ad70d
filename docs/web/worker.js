// Paints beside the page, so that the page stays responsive. It is told of a photo, then of a style and a size.

import { bytes, fitted, floats, resize } from "./pixels.js";

const PROGRAM = "./ort.wasm.bundle.min.mjs";
const BINARY = "./runtime.wasm.z";
const LEAST_SIDE = 16; // px, as nstlib.images.MIN_SIDE

const networks = new Map();
let photo;
let runtime;

function tell(kind, message) {
  postMessage({ kind, ...message });
}

/** A file of this site as a Blob; the page is told how much of it has come. */
async function fetched(address, what, size) {
  try {
    const response = await fetch(new URL(address, import.meta.url));
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    const parts = [];
    let come = 0;
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return new Blob(parts);
      parts.push(value);
      come += value.length;
      tell("progress", { text: `Loading ${what}`, share: come / size });
    }
  } catch (error) {
    throw new Error(`Could not load ${what} (${error.message}). Check the connection, then choose the style again.`);
  }
}

/** onnxruntime, loaded once. Its binary is packed: hosts send WebAssembly as it lies there, at four times the bytes. */
function prepared(size) {
  runtime ??= (async () => {
    const packed = await fetched(BINARY, "the program that runs networks", size);
    const ort = await import(PROGRAM);
    const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
    ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
    ort.env.wasm.numThreads = 1; // more need response headers that a static host does not send
    return ort;
  })();
  runtime.catch(() => { runtime = undefined; }); // so that the next picture tries again
  return runtime;
}

async function network(ort, style) {
  if (!networks.has(style.name)) {
    const what = `the network of ${style.title}`;
    const file = await fetched(style.network, what, style.bytes);
    tell("progress", { text: `Preparing ${what}` });
    try {
      networks.set(style.name, await ort.InferenceSession.create(await file.arrayBuffer()));
    } catch (error) {
      throw new Error(`Could not start ${what}: its file is damaged (${error.message}).`);
    }
  }
  return networks.get(style.name);
}

async function paint({ style, size, runtimeBytes }) {
  const [width, height] = fitted(photo.width, photo.height, size);
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new Error(`The photo is too narrow: at ${width} × ${height} px there is nothing to paint on.`);
  }
  const ort = await prepared(runtimeBytes);
  const session = await network(ort, style);
  tell("progress", { text: "Painting" });
  const small = resize(photo.rgba, photo.width, photo.height, width, height);
  const images = new ort.Tensor("float32", floats(small), [1, height, width, 3]);
  const start = performance.now();
  const { painted } = await session.run({ images });
  const seconds = (performance.now() - start) / 1000;
  tell("painted", { photo: small, painted: bytes(painted.data), width, height, seconds });
}

const DUTIES = {
  // In advance, and without a word: a failure matters, and is told, once there is something to paint.
  prepare: ({ runtimeBytes }) => prepared(runtimeBytes).catch(() => {}),
  photo: (given) => { photo = given; },
  paint,
};

// One message after the other: a photo must not change under the brush.
let before = Promise.resolve();
onmessage = ({ data }) => {
  before = before.then(() => DUTIES[data.kind](data)).catch((error) => tell("failed", { text: error.message }));
};
