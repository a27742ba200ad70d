// From a file, a paste or a camera to the pixels of a photo.

import { declaredSize } from "./header.js";

const MEGAPIXELS = 60;
const HEADER = 2 ** 20; // bytes in which a size has to stand
const LARGEST = 2048; // px: what is larger is first shrunk by the browser, as canvases of telephones end at 16 megapixels

/** The photo upright, over white, as a canvas. Throws an Error with a sentence for the visitor. */
export async function readPhoto(blob) {
  const start = await blob.slice(0, HEADER).arrayBuffer().catch(() => {
    throw new Error("This file could not be read. Choose it again.");
  });
  checkPixels(declaredSize(start) ?? [0, 0]);
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw new Error("This is no picture that the browser can read. JPEG, PNG, WebP, AVIF and GIF are.");
  }
  try {
    checkPixels([bitmap.width, bitmap.height]);
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** What can be drawn (a bitmap, a frame of a video) as a canvas of at most LARGEST pixels a side. */
export function drawn(source, width, height) {
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white"; // what is transparent is laid over white, as nstlib does it
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function checkPixels([width, height]) {
  const megapixels = (width * height) / 1e6;
  if (megapixels >= MEGAPIXELS) {
    throw new Error(
      `This photo has ${Math.round(megapixels)} megapixels; the page takes fewer than ${MEGAPIXELS}. Make it smaller first.`,
    );
  }
}

/** A picture from the camera as a canvas, or null if the visitor closed the dialog. Throws as readPhoto does. */
export async function takePhoto({ dialog, video, shoot, close }) {
  if (!navigator.mediaDevices) {
    throw new Error("There is no camera here: browsers lend it to pages with https only.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    const refused = error.name === "NotAllowedError";
    throw new Error(
      refused
        ? "The camera was refused. Allow it for this page in the browser's settings, or choose a file."
        : `No camera could be opened (${error.message}). Choose a file instead.`,
    );
  }
  video.srcObject = stream;
  dialog.returnValue = "";
  shoot.disabled = video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA; // nothing to take yet
  video.onloadeddata = () => {
    shoot.disabled = false;
    shoot.focus();
  };
  dialog.showModal();
  shoot.onclick = () => dialog.close("taken");
  close.onclick = () => dialog.close();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  const taken = dialog.returnValue === "taken" && video.videoWidth > 0;
  const canvas = taken ? drawn(video, video.videoWidth, video.videoHeight) : null;
  for (const track of stream.getTracks()) track.stop();
  return canvas;
}
