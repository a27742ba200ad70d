// The study's pictures: one photo, one painting, one method at a time.

import { figureOfMethod, figureOfPhoto } from "./figure.js";

const byId = (id) => document.getElementById(id);
const response = await fetch(new URL("study.json", import.meta.url));
const { pairs, scores, size } = await response.json();
const chosen = {};

/** Radio buttons for the values of one kind, each with its text; the first is chosen. */
function choices(kind, texts) {
  for (const [value, text] of texts) {
    chosen[kind] ??= value;
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: kind, value, checked: value === chosen[kind] });
    input.addEventListener("change", () => {
      chosen[kind] = value;
      show();
    });
    label.append(input, ` ${text}`);
    byId(`of-${kind}`).append(label);
  }
}

function cell(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function row(method) {
  const line = document.createElement("tr");
  const head = cell("th", method.label);
  head.scope = "row";
  line.append(head, ...Object.keys(scores).map((name) => cell("td", method.scores[name]?.toPrecision(3) ?? "–")));
  if (method.label === chosen.method) line.setAttribute("aria-current", "true");
  return line;
}

function show() {
  const pair = pairs.find(({ photo, style }) => photo === chosen.photo && style === chosen.style);
  const method = pair?.methods.find(({ label }) => label === chosen.method);
  byId("scores").tBodies[0].replaceChildren(...(pair?.methods ?? []).map(row));
  byId("caption").textContent = method
    ? `${pair.photoTitle} in the style of ${pair.styleTitle}, ${method.label}, ${size} px`
    : "This one is not part of the study.";
  byId("unpainted").hidden = !method || pair.pictures !== null;
  const drawn = method && pair.pictures ? [figureOfPhoto(pair), figureOfMethod(pair, method)] : [];
  byId("shown").replaceChildren(...drawn);
}

if (pairs.length > 0) {
  choices("photo", new Map(pairs.map((pair) => [pair.photo, pair.photoTitle])));
  choices("style", new Map(pairs.map((pair) => [pair.style, pair.styleTitle])));
  choices("method", new Map(pairs.flatMap(({ methods }) => methods.map(({ label }) => [label, label]))));
  const heads = ["method", ...Object.values(scores)].map((text) => cell("th", text));
  for (const head of heads) head.scope = "col";
  byId("scores").tHead.append(document.createElement("tr"));
  byId("scores").tHead.rows[0].append(...heads);
  byId("none").hidden = true;
  byId("wall").hidden = false;
  show();
}
