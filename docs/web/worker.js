// Paints beside the page, so that the page stays responsive. It is told of a photo, then of a style and a size.

import { bytes, fitted, floats, largestDifference, mixed, resize, shareOf } from "./pixels.js";

const RUNTIMES = {
  wasm: { program: "./ort.wasm.bundle.min.mjs", binary: "./runtime_wasm.z" },
  webgpu: { program: "./ort.jspi.bundle.min.mjs", binary: "./runtime_webgpu.z" }, // and WebAssembly
};
const LEAST_SIDE = 16; // px, as nstlib.images.MIN_SIDE
const NEAR = 2; // levels by which WebGPU may differ
const WORTH = 0.5; // of the seconds of WebAssembly: what WebGPU may take
const PATIENCE = 10_000; // ms for WebGPU, which may hang with its driver
const SOFTWARE = false; // whether a WebGPU that is computed without a GPU will do

const files = new Map(); // of the networks, by style
const sessions = new Map(); // of both, by provider and style
let photo;
let runtime;
let provider = "wasm";
let gpu = "untried"; // until a picture was painted both ways
let attempts = 0; // to load the program

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

/** The larger runtime only where there is a GPU, and WebAssembly can wait for it (JSPI). */
async function kindOfRuntime() {
  if (gpu === "given up" || !navigator.gpu || !("Suspending" in WebAssembly)) return "wasm";
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter && (SOFTWARE || !adapter.info.isFallbackAdapter) ? "webgpu" : "wasm";
}

/** onnxruntime, loaded once. Its binary is packed: hosts send WebAssembly as it lies there, at four times the bytes. */
function prepared(sizes) {
  runtime ??= (async () => {
    const kind = await kindOfRuntime();
    if (kind === "wasm") gpu = "given up";
    const { program, binary } = RUNTIMES[kind];
    const packed = await fetched(binary, "the program that runs networks", sizes[kind]);
    // Another address each time: some browsers remember for good that a module could not be loaded.
    const ort = await import(`${program}?${++attempts}`).catch(() => {
      throw new Error("Could not load the program that runs networks. Check the connection, then choose the style again.");
    });
    const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
    ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
    ort.env.wasm.numThreads = 1; // more need response headers that a static host does not send
    return ort;
  })();
  runtime.catch(() => { runtime = undefined; }); // so that the next picture tries again
  return runtime;
}

async function fileOf(style) {
  if (!files.has(style.name)) {
    const file = await fetched(style.network, `the network of ${style.title}`, style.bytes);
    files.set(style.name, await file.arrayBuffer());
  }
  return files.get(style.name);
}

/** What runs the network of a style with the provider of now. */
async function network(ort, style, file) {
  const key = `${provider} ${style.name}`;
  if (!sessions.has(key)) {
    const what = `the network of ${style.title}`;
    tell("progress", { text: `Preparing ${what}` });
    try {
      sessions.set(key, await ort.InferenceSession.create(file, { executionProviders: [provider], logSeverityLevel: 3 }));
    } catch (error) {
      if (provider === "wasm") files.delete(style.name);
      throw new Error(`Could not start ${what}: its file may be damaged (${error.message}). Choose the style again, or load the page again.`);
    }
  }
  return sessions.get(key);
}

async function pass({ ort, style, file, images }) {
  const session = await network(ort, style, file);
  tell("progress", { text: "Painting" });
  const start = performance.now();
  let found;
  try {
    found = await session.run({ images });
  } catch (error) {
    throw new Error(`The network could not paint this photo (${error.message}). Choose a smaller size, or load the page again.`);
  }
  const seconds = (performance.now() - start) / 1000;
  return { painted: bytes(found.painted.data), seconds, provider };
}

/** A pass by WebGPU, or null where that fails or hangs: then the page begins anew, with WebAssembly alone. */
async function passOfGpu(given) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("late")), PATIENCE); });
  try {
    provider = "webgpu";
    return await Promise.race([pass(given), late]);
  } catch {
    giveUpGpu();
    runtime = undefined;
    sessions.clear();
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function giveUpGpu() {
  [gpu, provider] = ["given up", "wasm"];
}

/** WebGPU paints from now on if it makes of these images what WebAssembly made of them, and sooner. */
async function compare(expected, given) {
  const found = (await passOfGpu(given)) && (await passOfGpu(given)); // the first compiles its programs
  const fit = found && largestDifference(found.painted, expected.painted) <= NEAR && found.seconds < WORTH * expected.seconds;
  if (fit) gpu = "chosen";
  else giveUpGpu();
}

async function paint({ style, size, runtimeBytes }) {
  const [width, height] = fitted(photo.width, photo.height, size);
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new Error(`The photo is too narrow: at ${width} × ${height} px there is nothing to paint on.`);
  }
  const small = resize(photo.rgba, photo.width, photo.height, width, height);
  const given = async () => {
    // What has to be loaded comes first: a lost connection is no fault of WebGPU.
    const ort = await prepared(runtimeBytes);
    const file = await fileOf(style);
    const images = new ort.Tensor("float32", floats(small), [1, height, width, 3]);
    return { ort, style, file, images };
  };
  const byGpu = gpu === "chosen" ? await passOfGpu(await given()) : null;
  const picture = byGpu ?? (await pass(await given()));
  const share = shareOf(small);
  tell("painted", { ...picture, photo: small, painted: mixed(small, picture.painted, share), share, width, height });
  if (gpu === "untried") await given().then((again) => compare(picture, again)).catch(giveUpGpu);
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
