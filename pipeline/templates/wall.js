// The wall of photos: what is shown, in which order, and the address that says so.
const data = JSON.parse(document.getElementById("page-data").textContent);
const words = JSON.parse(document.querySelector("[data-words]").textContent);
const { photos } = data;
const { say } = words;
const total = photos.file.length;
const BOUNDLESS = 1e9, AHEAD = 1200;  // px drawn beyond what is in sight
const browser = document.querySelector("[data-browser]");
const find = (name, from = document) => from.querySelector(`[data-${name}]`);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const number = (options) => new Intl.NumberFormat(words.language, options);
const whole = number(), three = number({ maximumSignificantDigits: 3 });
const two = number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
const share = number({ style: "percent", maximumSignificantDigits: 3 });

// Elements are made one by one and names are set as text: nothing from the data is ever parsed.
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
function written(tag, value) {
  if (value === null) return say.unknown;
  if (value >= BOUNDLESS) return say.boundless;
  return ({ "%": share, d: whole }[tag.kind] || three).format(value).replace("-", "\u2212");
}

const tags = data.tags.map((tag) => ({ ...tag, ...words.tags[tag.id], now: tag.limit, had: new Uint8Array(total) }));
for (const tag of tags) for (const row of tag.has) tag.had[row] = 1;
const byId = new Map(tags.map((tag) => [tag.id, tag]));
const broken = new Set(photos.broken), bare = new Set(photos.bare), paired = new Set(photos.pair);
const scored = Boolean(photos.iou);
const state = { tags: new Set(), changed: false };
const nameOf = (row) => `${data.splits[photos.split[row]]}-${photos.id[row]}`;
const rowOf = new Map(photos.id.map((_, row) => [nameOf(row), row]));

function has(tag, row) {
  if (tag.now === tag.limit) return tag.had[row] === 1;
  const value = tag.values[row];
  if (value === null) return false;
  return tag.reached && value === tag.now ? true : tag.sign * value > tag.sign * tag.now;
}
const only = () => (state.tags.size === 1 ? byId.get([...state.tags][0]) : null);

// One photo in a frame of its own shape, and over it what was drawn; files are fetched when scrolled to.
function over(row, kind) {
  if (kind === "truth" && photos.outlines) {
    const [width, height] = photos.shown[row];
    const lines = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "lines" });
    for (const [label, path] of photos.outlines[row]) {
      lines.append(svg("path", { d: path, class: data.categories.length === 1 ? "line-truth" : `line-${(label - 1) % 7 + 1}` }));
    }
    return lines;
  }
  const band = ["truth", "predicted", "difference"].indexOf(kind);
  if (band < 0 || photos.outlines || bare.has(row)) return null;
  return make("span", { class: "over" }, make("img", { src: `bands/${nameOf(row)}.png`, class: `band-${band}`, alt: "", loading: "lazy", decoding: "async" }));
}
function picture(row, kind, { src = `${data.folder}/${nameOf(row)}.jpg`, lazy = true, alt = "" } = {}) {
  if (broken.has(row)) return make("span", { class: "no-picture" }, say.unreadable);
  const [width, height] = photos.size[row];
  const image = make("img", { src, width, height, alt, loading: lazy ? "lazy" : "eager", decoding: "async" });
  const frame = make("span", { class: "frame" }, image, over(row, kind));
  const ratio = width / height;
  frame.style.setProperty("--wide", Math.max(1, ratio));
  frame.style.setProperty("--high", Math.max(1, 1 / ratio));
  frame.style.setProperty("--ratio", ratio);
  return make("span", { class: `shot ${kind}` }, frame);
}
const named = (row) => make("span", { class: "file", dir: "auto", title: photos.file[row] }, photos.file[row]);
const splitOf = (row) => words.splits[photos.split[row]];

// The fields of the form; one that could change nothing is left out.
const form = find("filters", browser), wall = find("wall", browser), judge = find("judge", browser);
const FIELDS = ["split", "category", "place", "code", "suspect", "sort", "over"];
function options(name, pairs, least = 1) {
  const select = form.elements[name];
  select.append(...pairs.map(([value, text]) => make("option", { value }, text)));
  select.closest(".field").hidden = pairs.length <= least;
  select.dataset.first = select.value;
}
const present = (values) => new Set(values.flat());
const splits = present(photos.split), places = present(photos.place), codes = present(photos.found.map((each) => each.map(([code]) => code)));
options("split", [["", say.all_splits], ...data.splits.map((name, at) => [name, words.splits[at], at]).filter(([, , at]) => splits.has(at))], 2);
options("category", [["", say.all_categories], ...data.categories.map((name, at) => [String(at), name])], 2);
options("place", [["", say.all_places], ...data.places.map((name, at) => [name, name, at]).filter(([, , at]) => places.has(at))]);
options("code", [["", say.all_codes], ...data.codes.map((code, at) => [code, words.codes[code], at]).filter(([, , at]) => codes.has(at))]);
options("suspect", data.kinds?.length ? [["", say.all_labels], ["any", say.any_suspect], ...data.kinds.map((kind, at) => [kind, words.kinds[at]])] : []);
options("sort", [["split", say.sort_split], ["name", say.sort_name], ...(scored ? [["low", say.sort_low], ["high", say.sort_high]] : []), ["grave", say.sort_grave], ["worst", say.sort_worst], ["mildest", say.sort_mildest]]);
options("over", [["truth", say.over_truth], ...(photos.outlines ? [] : [["predicted", say.over_predicted], ["difference", say.over_difference]]), ["none", say.over_none]]);

const chips = new Map();
for (const tag of [...tags.filter((one) => one.has.length), ...tags.filter((one) => !one.has.length)]) {
  const amount = make("b", {}, "");
  const chip = make("button", { type: "button", class: "tag-chip", "aria-pressed": "false", title: tag.meaning }, tag.name, " ", amount);
  chip.addEventListener("click", () => { choose(tag.id, !state.tags.has(tag.id)); remember(); });
  find(tag.has.length ? "tags" : "absent", browser).append(chip);
  chips.set(tag.id, { chip, amount });
}
find("rare", browser).hidden = !find("absent", browser).children.length;
function choose(id, on, alone = false) {
  if (alone) state.tags.clear();
  if (on) state.tags.add(id); else state.tags.delete(id);
  state.changed = false;
  find("only-changed", browser).checked = false;
  const sort = form.elements.sort;
  if (state.tags.size && sort.value === "split") sort.value = "worst";
  if (!state.tags.size && sort.value === "worst") sort.value = "split";
  aim();
  update();
}

// Which photos are shown, and in which order.
let shown = [];
function chosen() {
  const value = (name) => form.elements[name].value;
  const split = data.splits.indexOf(value("split")), place = data.places.indexOf(value("place")), code = data.codes.indexOf(value("code"));
  const category = value("category") === "" || value("category") === undefined ? -1 : Number(value("category"));
  const suspect = value("suspect"), kind = data.kinds ? data.kinds.indexOf(suspect) : -1;
  const text = form.elements.text.value.trim().toLowerCase();
  return (row) => (split < 0 || photos.split[row] === split)
    && (place < 0 || photos.place[row] === place)
    && (category < 0 || photos.labels[row].includes(category))
    && (code < 0 || photos.found[row].some((each) => each[0] === code))
    && (!suspect || (suspect === "any" ? photos.doubts[row].length > 0 : photos.doubts[row].some((each) => each[0] === kind)))
    && (!text || photos.file[row].toLowerCase().includes(text));
}
function update() {
  const fits = chosen();
  const wanted = [...state.tags].map((id) => byId.get(id));
  const single = only();
  const counts = new Map(tags.map((tag) => [tag, 0]));
  shown = [];
  for (let row = 0; row < total; row++) {
    if (!fits(row)) continue;
    for (const tag of tags) if (has(tag, row)) counts.set(tag, counts.get(tag) + 1);
    const moved = single && has(single, row) !== (single.had[row] === 1);
    if (state.changed ? !moved : !wanted.every((tag) => has(tag, row) || (tag === single && moved))) continue;
    shown.push(row);
  }
  arrange(wanted);
  for (const tag of tags) {
    const { chip, amount } = chips.get(tag.id);
    amount.textContent = whole.format(counts.get(tag));
    chip.setAttribute("aria-pressed", String(state.tags.has(tag.id)));
    chip.classList.toggle("none", !counts.get(tag) && !state.tags.has(tag.id));
  }
  find("count", browser).textContent = fill(say.of, { shown: whole.format(shown.length), all: whole.format(total) });
  find("empty", browser).hidden = shown.length > 0;
  explain(find("legend", browser), form.elements.over.value);
  cards.clear();
  wall.replaceChildren();
  paint();
}
function arrange(wanted) {
  const order = form.elements.sort.value;
  const name = (a, b) => (photos.file[a] < photos.file[b] ? -1 : photos.file[a] > photos.file[b] ? 1 : a - b);
  if (order === "split") return;
  if (order === "name") { shown.sort(name); return; }
  const last = order === "low" || order === "mildest" ? Infinity : -Infinity;  // what has no value comes last
  const weight = {
    low: (row) => photos.iou[row] ?? last,
    high: (row) => photos.iou[row] ?? last,
    grave: (row) => photos.found[row].reduce((sum, each) => sum + 1000 ** (data.severities.length - each[1]), 0),
  }[order] || (wanted.length
    // Without a chosen problem the worst photo is the one that has most of them.
    ? (row) => { const value = wanted[0].values[row]; return value === null ? last : wanted[0].sign * value; }
    : (row) => tags.reduce((sum, tag) => sum + has(tag, row), 0));
  const way = order === "low" || order === "mildest" ? 1 : -1;
  const weights = new Map(shown.map((row) => [row, weight(row)]));
  shown.sort((a, b) => { const [one, other] = [weights.get(a), weights.get(b)]; return one === other ? a - b : way * (one < other ? -1 : 1); });
}

// Only the photos in sight are in the document; padding stands for the others.
const cards = new Map();
let tall = 0, columns = 0;
function card(row) {
  const single = only();
  const button = make("button", { type: "button", class: "photo", "data-photo": nameOf(row) }, picture(row, form.elements.over.value));
  const first = [];
  if (single) {
    const now = has(single, row), before = single.had[row] === 1;
    if (now !== before) button.append(make("span", { class: `badge ${now ? "in" : "out"}` }, now ? say.new : say.gone));
    first.push(make("b", {}, written(single, single.values[row])), ` · ${splitOf(row)}`);
  } else {
    const names = tags.filter((tag) => has(tag, row)).map((tag) => tag.name);
    first.push(names.length ? names.join(", ") : scored ? make("span", { class: "minor" }, say.no_problem) : splitOf(row));
  }
  if (scored && photos.doubts[row].length && !button.querySelector(".badge")) button.append(make("span", { class: "badge doubt" }, say.suspect_badge));
  button.append(make("span", { class: "value" }, ...first));
  if (scored) button.append(make("span", { class: "value" }, `${say.iou} `, make("b", {}, photos.iou[row] === null ? "\u2013" : two.format(photos.iou[row])), single ? "" : ` · ${splitOf(row)}`));
  button.append(named(row));
  button.addEventListener("click", () => view(row, true));
  return make("li", {}, button);
}
function measure() {
  if (!shown.length) return;
  if (!wall.firstElementChild) wall.append(cards.get(shown[0]) || card(shown[0]));
  const style = getComputedStyle(wall);
  columns = style.gridTemplateColumns.split(" ").length;
  tall = wall.firstElementChild.getBoundingClientRect().height + parseFloat(style.rowGap);
}
function paint() {
  measure();
  const rows = Math.ceil(shown.length / (columns || 1)), top = wall.getBoundingClientRect().top;
  const within = (row) => Math.min(rows, Math.max(0, row));
  const first = tall ? within(Math.floor((-top - AHEAD) / tall)) : 0;
  const last = tall ? within(Math.max(first + 1, Math.ceil((innerHeight - top + AHEAD) / tall))) : 0;
  const inSight = shown.slice(first * columns, last * columns);
  const kept = new Set(inSight);
  for (const row of cards.keys()) if (!kept.has(row)) cards.delete(row);
  const nodes = inSight.map((row, at) => {
    if (!cards.has(row)) cards.set(row, card(row));
    const node = cards.get(row);
    node.setAttribute("aria-posinset", first * columns + at + 1);
    node.setAttribute("aria-setsize", shown.length);
    return node;
  });
  wall.style.paddingTop = `${first * tall}px`;
  wall.style.paddingBottom = `${(rows - last) * tall}px`;
  place(nodes);
}
// Nodes that stay are not moved, so the one with the focus keeps it.
function place(nodes) {
  const kept = new Set(nodes);
  for (const node of [...wall.children]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, at) => { if (wall.children[at] !== node) wall.insertBefore(node, wall.children[at] || null); });
}
function reveal(row) {
  const at = shown.indexOf(row);
  if (at < 0) return;
  const top = wall.getBoundingClientRect().top + Math.floor(at / columns) * tall;
  if (top < 0 || top + tall > innerHeight) scrollBy({ top: top - innerHeight / 3, behavior: "instant" });
  paint();
  cards.get(row)?.querySelector("button").focus({ preventScroll: true });
}
let waiting = 0;
const soon = () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(paint); };
addEventListener("scroll", soon, { passive: true });
new ResizeObserver(soon).observe(browser);

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => { update(); remember(); });
form.addEventListener("reset", () => requestAnimationFrame(() => { clear(); aim(); update(); remember(); }));
function clear() {
  state.tags.clear();
  state.changed = false;
  for (const tag of tags) tag.now = tag.limit;
}

function blank() {
  form.elements.text.value = "";
  for (const name of FIELDS) form.elements[name].value = form.elements[name].dataset.first;
  clear();
}
