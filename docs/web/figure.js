// A picture of the study with its caption.

/** The photo of a pair. */
export function figureOfPhoto(pair) {
  return figure(pair, "photo", "the photo", pair.photoTitle);
}

/** What a method made of a pair; `slug` is the end of the file's name. */
export function figureOfMethod(pair, { slug, label }) {
  return figure(pair, slug, label, `${pair.photoTitle} in the style of ${pair.styleTitle}: ${label}`);
}

function figure(pair, slug, text, alternative) {
  const element = document.createElement("figure");
  const picture = new Image(pair.width, pair.height);
  picture.src = new URL(`${pair.pictures}${slug}.jpg`, import.meta.url);
  picture.alt = alternative;
  const caption = document.createElement("figcaption");
  caption.textContent = text;
  element.append(picture, caption);
  return element;
}
