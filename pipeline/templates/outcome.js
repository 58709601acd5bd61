// What the networks made of a photo: the colours' meaning, scores, doubts, and before beside after.
const swatch = (name, text) => make("span", { class: "key" }, make("i", { class: `dot ${name}` }), text);
function explain(place, kind) {
  const keys = {
    truth: data.single ? [["truth", say.view_truth]] : labelled(),
    predicted: data.single ? [["predicted", say.view_predicted]] : labelled(),
    difference: [["truth", say.only_truth], ["predicted", say.only_predicted], ...(data.single ? [] : [["mistaken", say.mistaken]])],
  }[kind] || [];
  place.hidden = !keys.length;
  place.replaceChildren(...keys.map(([name, text]) => swatch(name, text)));
}
const labelled = () => data.categories.map((name, at) => [`label-${at % 7 + 1}`, name]);

function boxes(row) {
  const [width, height] = photos.size[row];
  const lines = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "lines" });
  for (const [, , , , left, top, right, bottom] of photos.doubts[row]) {
    lines.append(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "doubt-box" }));
  }
  return lines;
}
function outcome(row) {
  const score = (name, value, best) => make("div", {}, make("dt", {}, name), make("dd", {}, value === null ? "\u2013" : best.format(value)));
  const parts = [photos.iou[row] === null
    ? make("p", { class: "fine" }, say.not_scored)
    : make("dl", { class: "scores" }, score(say.iou, photos.iou[row], two), score(say.edge, photos.edge[row], two), score(say.missed, photos.missed[row], share), score(say.invented, photos.invented[row], share))];
  const doubts = photos.doubts[row];
  if (doubts.length) {
    parts.push(make("h3", {}, say.doubts), make("ul", { class: "plain" }, ...doubts.map(([kind, value, usual, held]) => make("li", {},
      make("span", { class: "chip warning" }, words.kinds[kind]), make("span", { class: "fine" }, fill(say.doubt, { value: two.format(value), usual: two.format(usual) }), held ? "" : ` · ${say.own_judge}`)))));
  }
  const restored = photos.restored[row];
  if (restored) {
    const line = ([kind, psnr, ssim]) => make("li", {}, words.holes[kind], make("span", { class: "fine" }, `PSNR ${psnr === null ? "\u221e" : three.format(psnr)} dB · SSIM ${ssim === null ? "\u2013" : two.format(ssim)}`));
    const lines = restored.holes.map(line);
    if (restored.remains && restored.remains[0]) lines.push(make("li", {}, say.remains, " ", share.format(restored.remains[1] / restored.remains[0])));
    parts.push(make("h3", {}, say.restoration), make("ul", { class: "plain" }, ...lines));
  }
  return parts;
}
// The slider itself is page.js's; here its pictures are set.
function compare(row) {
  const [width, height] = photos.size[row];
  pair.style.setProperty("--ratio", width / height);
  for (const side of ["before", "after"]) {
    const image = find(side, pair);
    image.src = `${side}/${nameOf(row)}.jpg`;
    image.width = width;
    image.height = height;
    image.alt = fill(say[`alt_${side}`], { name: photos.file[row] });
  }
  find("slider", pair).setAttribute("aria-label", fill(say.slider, { name: photos.file[row] }));
}
