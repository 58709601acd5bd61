// One photo, large: what was drawn over it, and all that is known of it.
const dialog = find("dialog"), stage = find("stage"), pair = dialog.querySelector(".compare");
const VIEWS = ["photo", "truth", "predicted", "difference", "restored"];
let open_row = null, looked = "truth", telling = 0;

// Which views a photo has; the report's run adds what the networks made of it.
function viewsOf(row) {
  if (broken.has(row)) return ["photo"];
  if (photos.outlines) return ["photo", "truth"];
  return VIEWS.filter((kind) => kind === "photo" || (kind === "restored" ? paired.has(row) : !bare.has(row)));
}
// The photo's own file where it lies beside the page, else the small picture; a restored one is drawn large.
// A page that was copied or is served without the photos asks for none: each would be an error in the console.
let near = Boolean(data.raw.address) && decodeURI(new URL(".", location).pathname).endsWith(`/${data.raw.home}/`);
function large(row) {
  if (paired.has(row)) return `before/${nameOf(row)}.jpg`;
  const path = photos.elsewhere?.[row] ?? `${data.splits[photos.split[row]]}/${photos.file[row]}`;
  return near && path ? `${data.raw.address}/${path.split("/").map(encodeURIComponent).join("/")}` : "";
}
function show(row) {
  const possible = viewsOf(row);
  const kind = possible.includes(looked) ? looked : possible.at(-1) === "restored" ? possible.at(-2) : possible.at(-1);
  find("views").replaceChildren(...(possible.length < 2 ? [] : possible.map((name, at) => {
    const button = make("button", { type: "button", class: "view", "aria-pressed": String(name === kind), "aria-keyshortcuts": at + 1 }, say[`view_${name}`], " ", make("kbd", { "aria-hidden": "true" }, String(at + 1)));
    button.addEventListener("click", () => look(name));
    return button;
  })));
  const restored = kind === "restored";
  pair.hidden = !restored;
  stage.hidden = restored;
  if (restored) compare(row);
  else stage.replaceChildren(staged(row, kind));
  explain(find("photo-legend"), kind);
}
function staged(row, kind) {
  const small = picture(row, kind, { lazy: false, alt: fill(say.view_alt, { view: say[`view_${kind}`], name: photos.file[row] }) });
  const image = small.querySelector("img"), better = large(row);
  if (image && better) {
    // The small picture is there at once; the large one takes its place when it is decoded.
    const fine = new Image();
    fine.src = better;
    fine.decode().then(() => { image.src = better; }, () => { near = false; });
  }
  if (kind !== "photo" && photos.doubts && image) small.querySelector(".frame").append(boxes(row));
  return small;
}
function look(kind) {
  looked = kind;
  const had = find("views").contains(document.activeElement);
  show(open_row);
  if (had) find("views").querySelector('[aria-pressed="true"]')?.focus();
}

// What is written beside it: measurements against limits, problems first, then what the checks found.
function about(row) {
  const [width, height] = photos.size[row];
  const place = photos.place[row] < 0 ? "" : data.places[photos.place[row]];
  const names = data.categories.length > 1 ? photos.labels[row].map((at) => data.categories[at]).join(", ") : "";
  const parts = [make("p", { class: "fine" }, [splitOf(row), place, names, `${whole.format(width)} × ${whole.format(height)}`].filter(Boolean).join(" · "))];
  if (scored) parts.push(...outcome(row));
  const hit = tags.filter((tag) => has(tag, row)), others = tags.filter((tag) => !has(tag, row));
  if (hit.length) parts.push(make("h3", {}, say.problems_here), measures(row, hit));
  parts.push(make("h3", {}, say.issues), findings(row));
  if (others.length) parts.push(make("details", { open: !hit.length }, make("summary", {}, say.measured), measures(row, others)));
  return parts;
}
function measures(row, some) {
  const line = (tag) => make("tr", { class: has(tag, row) ? "hit" : "" },
    make("th", { scope: "row" }, tag.name, make("span", { class: "fine" }, tag.measure)),
    make("td", { class: "number" }, written(tag, tag.values[row])),
    make("td", { class: "number minor" }, tag.parameter ? fill(say.against, { limit: written(tag, tag.now) }) : ""));
  return make("table", {}, make("tbody", {}, ...some.map(line)));
}
function findings(row) {
  if (!photos.found[row].length) return make("p", { class: "fine" }, say.no_issues);
  return make("ul", { class: "plain" }, ...photos.found[row].map(([code, severity, action, annotation, value, limit]) => {
    const facts = [
      annotation === null ? "" : fill(say.annotation, { n: annotation }),
      value === null ? "" : limit === null ? three.format(value) : fill(say.value_limit, { value: three.format(value), limit: three.format(limit) }),
      words.actions[data.actions[action]],
    ].filter(Boolean).join(" · ");
    const name = data.severities[severity];
    return make("li", {}, make("span", { class: `chip ${name}` }, words.severities[severity]), " ", words.codes[data.codes[code]], make("span", { class: "fine" }, facts, facts && " · ", make("code", {}, data.codes[code])));
  }));
}

// Opening, stepping and closing; the address follows, so that Back, reload and a link bring one here.
function view(row, add) {
  const fresh = open_row === null;
  open_row = row;
  const at = shown.indexOf(row);
  find("name", dialog).textContent = photos.file[row];
  find("name", dialog).title = photos.file[row];
  find("position").textContent = at < 0 ? say.outside : fill(say.position, { at: whole.format(at + 1), all: whole.format(shown.length) });
  show(row);
  find("about").replaceChildren(...about(row));
  find("about").scrollTop = 0;
  find("previous").disabled = at < 1;
  find("next").disabled = at === shown.length - 1 || !shown.length;
  clearTimeout(telling);
  if (add) remember(row, true);
  // A held key steps faster than browsers let an address change.
  else if (add !== null) telling = setTimeout(() => remember(row), 120);
  if (fresh && !dialog.open) { dialog.showModal(); find("name", dialog).focus(); }
  for (const next of [shown[at + 1], shown[at - 1]]) {
    if (next === undefined || at < 0) continue;
    const ahead = large(next);
    if (ahead) new Image().src = ahead;  // so that the next step shows at once
  }
}
function step(by) {
  const next = shown[shown.indexOf(open_row) + by];
  if (next !== undefined) view(next, false);
}
function leave() {
  if (open_row === null) return;
  const row = open_row;
  open_row = null;
  clearTimeout(telling);
  if (dialog.open) dialog.close();
  reveal(row);
}
find("previous").addEventListener("click", () => step(-1));
find("next").addEventListener("click", () => step(1));
find("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => {
  // A busy browser may tell of a closing when Forward has opened the dialog again.
  if (open_row === null || dialog.open) return;
  leave();
  if (history.state?.opened) history.back(); else remember();
});
dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const sliding = event.target.matches("input[type=range]");
  const by = { j: 1, k: -1, ...(sliding ? {} : { ArrowRight: 1, ArrowLeft: -1 }) }[event.key];
  const kind = viewsOf(open_row)[Number(event.key) - 1];
  if (by) step(by); else if (kind) look(kind); else return;
  event.preventDefault();
});
