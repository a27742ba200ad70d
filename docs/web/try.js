// The page on which a visitor paints a photo. What is slow is done by worker.js.

import { figureOfMethod } from "./figure.js";
import { readPhoto, takePhoto } from "./photo.js";
import { blend, fitted, imageData, keepColours } from "./pixels.js";

const byId = (id) => document.getElementById(id);
const local = (address) => new URL(address, import.meta.url);
const json = async (address) => (await fetch(local(address))).json();

const [about, study] = await Promise.all([json("try.json"), json("study.json")]);
// Not before that wait: what the worker says at once, such as that it failed, has to find its handlers below.
const worker = new Worker(local("worker.js"), { type: "module" });

const KEPT = 60_000; // ms that a download has to begin

const state = { photo: null, style: null, size: about.sizes[0], painted: null };
let wanted = null; // what to paint once the worker is free: the last wish counts
let running = null;
let broken = false; // whether the worker is gone
let asked = 0; // for how many photos
let taken = 0; // which of them is shown

// --- choosing ---------------------------------------------------------------------------------

function thumbnail(group, { title, credit, thumbnail: file, alternative }, choose) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = `${title} (${credit})`;
  button.setAttribute("aria-pressed", "false");
  const picture = new Image();
  picture.src = local(file);
  picture.alt = alternative ?? "";
  const label = document.createElement("span");
  label.textContent = title;
  button.append(picture, label);
  button.addEventListener("click", () => choose(button));
  group.append(button);
}

function press(group, pressed) {
  for (const each of group.children) each.setAttribute("aria-pressed", String(each === pressed));
}

function sizeChoice(size) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "size", value: size, checked: size === state.size });
  input.addEventListener("change", () => {
    state.size = size;
    if (state.photo && !state.style) showPhoto();
    ask();
  });
  label.append(input, ` ${size} px`);
  byId("sizes").append(label);
}

async function fetchedPhoto({ title, file }) {
  const response = await fetch(local(file)).catch(() => null);
  if (!response?.ok) throw new Error(`The photo "${title}" could not be loaded. Check the connection, then try again.`);
  return readPhoto(await response.blob());
}

/** Takes the photo that a promise gives, as a canvas, unless a later one has come; null leaves the one that is there. */
async function take(promise, name, button = null) {
  const number = ++asked;
  let canvas;
  try {
    canvas = await promise;
  } catch (error) {
    if (number < taken) return;
    taken = number; // what was asked for before must not take this sentence away
    complain(error.message);
  }
  if (!canvas || number < taken) return;
  taken = number;
  press(byId("photos"), button);
  const { width, height } = canvas;
  const rgba = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  state.photo = { canvas, name };
  state.painted = null;
  worker.postMessage({ kind: "photo", rgba, width, height }, [rgba.buffer]);
  showPhoto();
  ask();
}

function takeFile(file) {
  if (file) take(readPhoto(file), file.name.replace(/\.\w+$/, ""));
}

// --- painting ---------------------------------------------------------------------------------

function ask() {
  if (broken) return tellBroken();
  if (!state.photo || !state.style) return;
  wanted = { kind: "paint", style: state.style, size: state.size, runtimeBytes: about.runtimeBytes, pressed: performance.now() };
  byId("problem").hidden = true;
  next();
}

function next() {
  if (running || !wanted) return;
  [running, wanted] = [wanted, null];
  byId("stage").setAttribute("aria-busy", "true");
  worker.postMessage(running);
}

function done() {
  running = null;
  byId("progress").hidden = true;
  byId("stage").setAttribute("aria-busy", "false");
}

const ANSWERS = {
  progress({ text, share }) {
    if (!running) return; // the program is being loaded in advance
    say(`${text} …`);
    const bar = byId("progress");
    bar.hidden = false;
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
  },
  painted(picture) {
    if (!running) return; // the page has given up
    const { style, pressed } = running;
    done();
    if (!wanted) {
      state.painted = { ...picture, style };
      show();
      const seconds = (performance.now() - pressed) / 1000;
      say(`Painted in ${seconds.toFixed(2)} s, ${picture.seconds.toFixed(2)} s of it in the network${picture.provider === "webgpu" ? " by WebGPU" : ""}, at ${picture.width} × ${picture.height} px.${picture.share < 1 ? " The photo shows hardly anything, so it stays nearly as it is." : ""}`);
      tellOfOptimisation();
    }
    next();
  },
  failed({ text }) {
    if (running) {
      done();
      if (!wanted) complain(text);
    }
    next();
  },
};

worker.onmessage = ({ data }) => ANSWERS[data.kind](data);
worker.onerror = () => {
  worker.terminate();
  broken = true;
  done();
  tellBroken();
};

function tellBroken() {
  complain("A part of this page could not be loaded. Load the page again.");
}

// --- showing ----------------------------------------------------------------------------------

function say(text) {
  byId("status").textContent = text;
}

function complain(text) {
  say("");
  byId("problem").textContent = text;
  byId("problem").hidden = false;
}

function put(canvas, rgb, width, height) {
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(imageData(rgb, width, height), 0, 0);
  proportion(width, height);
}

/** Of the stage: as wide as its picture, so that the slider has no dead ends. */
function proportion(width, height) {
  byId("stage").style.setProperty("--proportion", width / height);
}

/** The photo alone, as long as nothing is painted. */
function showPhoto() {
  const { canvas, name } = state.photo;
  const before = byId("before");
  [before.width, before.height] = fitted(canvas.width, canvas.height, state.size);
  before.getContext("2d").drawImage(canvas, 0, 0, before.width, before.height);
  before.setAttribute("aria-label", `The photo: ${name}`);
  proportion(before.width, before.height);
  byId("after").hidden = true;
  byId("download").disabled = byId("split").disabled = true;
  byId("slow").hidden = byId("example").hidden = true;
  byId("problem").hidden = true;
  say(state.style ? "" : "Choose a painting.");
}

function show() {
  if (!state.painted) return;
  const { photo, painted, width, height, style } = state.painted;
  const strength = byId("strength").valueAsNumber / 100;
  const coloured = byId("keep").checked ? keepColours(photo, painted) : painted;
  put(byId("before"), photo, width, height);
  put(byId("after"), blend(photo, coloured, strength), width, height);
  byId("after").setAttribute("aria-label", `${state.photo.name} in the style of ${style.title}`);
  byId("after").hidden = false;
  byId("download").disabled = byId("split").disabled = false;
}

function split() {
  byId("stage").style.setProperty("--split", `${byId("split").value}%`);
}

function download() {
  // Now: when the file is ready, another photo may be there.
  const name = `${state.photo.name.replace(/[^\p{L}\p{N}]+/gu, "_")}_${state.painted.style.name}.png`;
  byId("after").toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
  }, "image/png");
}

// --- the other method -------------------------------------------------------------------------

function tellOfOptimisation() {
  const { width, height, style } = state.painted;
  const { evals, cores, secondsPerPixel } = about.optimisation;
  const seconds = Math.round(width * height * secondsPerPixel[state.size]);
  const pair = study.pairs.find((each) => each.style === style.name) ?? study.pairs[0];
  const method = (start) => pair?.methods.find(({ label }) => label.startsWith(start));
  const [slow, slim] = [method("Gatys"), method("Johnson slim")];
  const measured = slow && slim
    ? ` In the study, at ${study.size} px, “${pair.photoTitle}” in the style of “${pair.styleTitle}” came to a loss of ${slow.scores.total.toPrecision(3)} that way (${slow.label}), and of ${slim.scores.total.toPrecision(3)} by the network used here; lower is a closer match.`
    : "";
  byId("slow").textContent = `Optimising the pixels of this picture in ${evals} evaluations would have taken about ${seconds} s on ${cores} cores, for any painting.${measured}`;
  byId("slow").hidden = false;
  byId("example").hidden = !(measured && pair.pictures);
  if (!byId("example").hidden) byId("example").replaceChildren(...[slow, slim].map((each) => figureOfMethod(pair, each)));
}

// --- beginning --------------------------------------------------------------------------------

for (const photo of about.photos) {
  thumbnail(byId("photos"), photo, (button) => take(fetchedPhoto(photo), photo.title, button));
}
for (const style of about.styles) {
  thumbnail(byId("styles"), style, (button) => {
    press(byId("styles"), button);
    state.style = style;
    ask();
  });
}
about.sizes.forEach(sizeChoice);

byId("file").addEventListener("change", ({ target }) => {
  takeFile(target.files[0]);
  target.value = ""; // so that the same file can be chosen again
});
byId("camera").addEventListener("click", () => {
  const [dialog, video, shoot, close] = ["viewfinder", "video", "shoot", "close"].map(byId);
  // Its turn comes when it is taken: another may be chosen while the browser asks for leave.
  takePhoto({ dialog, video, shoot, close }).then((canvas) => take(canvas, "camera"), ({ message }) => complain(message));
});
document.addEventListener("paste", ({ clipboardData }) => takeFile(clipboardData.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  takeFile(event.dataTransfer.files[0]);
});
byId("strength").addEventListener("input", ({ target }) => {
  byId("strength-value").textContent = `${target.value} %`;
  show();
});
byId("keep").addEventListener("change", show);
byId("split").addEventListener("input", split);
byId("download").addEventListener("click", download);

split();
byId("start").hidden = true;
byId("studio").hidden = false;
byId("photos").firstElementChild.click();
worker.postMessage({ kind: "prepare", runtimeBytes: about.runtimeBytes });
