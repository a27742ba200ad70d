// A picture of the study with its caption.

/** The figure of one picture of a pair: `slug` is the end of the file's name. */
export function figureOf(pair, slug, text) {
  const figure = document.createElement("figure");
  const picture = new Image(pair.width, pair.height);
  picture.src = new URL(`${pair.pictures}${slug}.jpg`, import.meta.url);
  picture.alt = `${pair.photoTitle} in the style of ${pair.styleTitle}: ${text}`;
  const caption = document.createElement("figcaption");
  caption.textContent = text;
  figure.append(picture, caption);
  return figure;
}
