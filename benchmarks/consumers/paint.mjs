// One exported network and one photo in onnxruntime-web (WebAssembly): paint.mjs FOLDER HEIGHT WIDTH, without nstlib.
// FOLDER holds network.onnx and photo.bin, float32 (1, H, W, 3); painted.bin is written there, the seconds are printed.
import { readFileSync, writeFileSync } from "node:fs";
import * as ort from "onnxruntime-web";

const [folder, height, width] = process.argv.slice(2);
const session = await ort.InferenceSession.create(readFileSync(`${folder}/network.onnx`));
const pixels = new Float32Array(readFileSync(`${folder}/photo.bin`).buffer.slice(0));
const images = new ort.Tensor("float32", pixels, [1, Number(height), Number(width), 3]);
await session.run({ images });
const start = performance.now();
const { painted } = await session.run({ images });
console.log(`\nseconds ${(performance.now() - start) / 1000}`);
writeFileSync(`${folder}/painted.bin`, Buffer.from(painted.data.buffer));
