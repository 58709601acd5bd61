(() => {
  const data = JSON.parse(document.getElementById("audit-data").textContent);
  const { photos, tags, say } = data;
  const total = photos.file.length;
  const PAGE = 60, PAIRS = 12, BARS = 48;
  const browser = document.querySelector("[data-browser]");
  const find = (name, from = document) => from.querySelector(`[data-${name}]`);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const whole = new Intl.NumberFormat(data.language);
  const three = new Intl.NumberFormat(data.language, { maximumSignificantDigits: 3 });
  const two = new Intl.NumberFormat(data.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const share = new Intl.NumberFormat(data.language, { style: "percent", maximumSignificantDigits: 3 });
  const BOUNDLESS = 1e9;

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
  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const written = (tag, value) => {
    if (value === null) return say.unknown;
    if (value >= BOUNDLESS) return say.boundless;
    return ({ "%": share, d: whole }[tag.kind] || three).format(value).replace("-", "\u2212");
  };

  for (const tag of tags) {
    tag.had = new Uint8Array(total);
    for (const row of tag.has) tag.had[row] = 1;
    tag.now = tag.limit;
  }
  const byId = new Map(tags.map((tag) => [tag.id, tag]));
  const state = { tags: new Set(), changed: false };

  function has(tag, row) {
    if (tag.now === tag.limit) return tag.had[row] === 1;
    const value = tag.values[row];
    if (value === null) return false;
    return tag.reached && value === tag.now ? true : tag.sign * value > tag.sign * tag.now;
  }
  const count = (tag) => { let n = 0; for (let row = 0; row < total; row++) n += has(tag, row); return n; };

  // One photo with its outlines; the picture is fetched from disk when it is scrolled to.
  function picture(row, lazy) {
    if (!photos.thumb[row]) return make("span", { class: "no-picture" }, say.unreadable);
    const [width, height] = photos.shown[row];
    const image = make("img", { src: `${data.folder}/${photos.thumb[row]}`, width, height, alt: "", loading: lazy ? "lazy" : "eager", decoding: "async" });
    const lines = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: lazy ? "xMidYMid slice" : "xMidYMid meet", "aria-hidden": "true", class: "lines" });
    for (const [label, path] of photos.outlines[row]) {
      lines.append(svg("path", { d: path, class: data.single ? "line-truth" : `line-${(label - 1) % 7 + 1}` }));
    }
    return make("span", { class: "shot" }, image, lines);
  }
  const named = (row) => make("span", { class: "file", dir: "auto", title: photos.file[row] }, photos.file[row]);

  // Filters.
  const form = find("filters", browser);
  const judge = find("judge", browser);
  const wall = find("wall", browser);
  const more = find("more", browser);
  let shown = [], drawn = 0;

  function options(select, first, pairs) {
    select.append(make("option", { value: "" }, first));
    for (const [value, text] of pairs) select.append(make("option", { value }, text));
    if (!pairs.length) select.closest(".field").hidden = true;
  }
  const present = (column) => [...new Set(column)].filter(Boolean).sort();
  const splits = Object.entries(data.splits).filter(([split]) => photos.split.includes(split));
  options(form.elements.split, say.all_splits, splits);
  options(form.elements.place, say.all_places, present(photos.place).map((place) => [place, place]));
  options(form.elements.code, say.all_codes, present(photos.codes.flat()).map((code) => [code, data.codes[code]]));
  for (const key of ["split", "name", "worst", "mildest"]) form.elements.sort.append(make("option", { value: key }, say[`sort_${key}`]));

  const chips = new Map();
  for (const tag of tags) {
    const number = make("b", {}, "");
    const chip = make("button", { type: "button", class: "tag-chip", "aria-pressed": "false", title: tag.meaning }, tag.name, " ", number);
    chip.addEventListener("click", () => choose(tag.id, !state.tags.has(tag.id)));
    find("tags", browser).append(chip);
    chips.set(tag.id, { chip, number });
  }
  const only = () => (state.tags.size === 1 ? byId.get([...state.tags][0]) : null);

  function choose(id, on, alone = false) {
    if (alone) state.tags.clear();
    if (on) state.tags.add(id); else state.tags.delete(id);
    state.changed = false;
    find("only-changed", browser).checked = false;
    const sort = form.elements.sort;
    if (state.tags.size && sort.value === "split") sort.value = "worst";
    if (!state.tags.size) sort.value = "split";
    aim();
    update();
  }

  function update() {
    const split = form.elements.split.value, place = form.elements.place.value, code = form.elements.code.value;
    const text = form.elements.text.value.trim().toLowerCase();
    const wanted = [...state.tags].map((id) => byId.get(id));
    const single = only();
    const counts = new Map(tags.map((tag) => [tag, 0]));
    shown = [];
    for (let row = 0; row < total; row++) {
      if (split && photos.split[row] !== split) continue;
      if (place && photos.place[row] !== place) continue;
      if (code && !photos.codes[row].includes(code)) continue;
      if (text && !photos.file[row].toLowerCase().includes(text)) continue;
      for (const tag of tags) if (has(tag, row)) counts.set(tag, counts.get(tag) + 1);
      const moved = single && has(single, row) !== (single.had[row] === 1);
      if (state.changed ? !moved : !wanted.every((tag) => has(tag, row) || (tag === single && moved))) continue;
      shown.push(row);
    }
    arrange(wanted);
    for (const tag of tags) {
      const { chip, number } = chips.get(tag.id);
      number.textContent = whole.format(counts.get(tag));
      chip.setAttribute("aria-pressed", String(state.tags.has(tag.id)));
      chip.classList.toggle("none", !counts.get(tag) && !state.tags.has(tag.id));
    }
    find("count", browser).textContent = fill(say.of, { shown: whole.format(shown.length), all: whole.format(total) });
    find("empty", browser).hidden = shown.length > 0;
    wall.replaceChildren();
    drawn = 0;
    further();
  }

  function arrange(wanted) {
    const order = form.elements.sort.value;
    const name = (a, b) => (photos.file[a] < photos.file[b] ? -1 : photos.file[a] > photos.file[b] ? 1 : a - b);
    if (order === "name") shown.sort(name);
    if (order !== "worst" && order !== "mildest") return;
    // Without a chosen problem the worst photo is the one that has most of them.
    const weight = wanted.length
      ? (row) => { const value = wanted[0].values[row]; return value === null ? -Infinity : wanted[0].sign * value; }
      : (row) => tags.reduce((sum, tag) => sum + has(tag, row), 0);
    const way = order === "worst" ? -1 : 1;
    const weights = new Map(shown.map((row) => [row, weight(row)]));
    shown.sort((a, b) => way * (weights.get(a) - weights.get(b)) || a - b);
  }

  function card(row) {
    const single = only();
    const button = make("button", { type: "button", class: "photo" }, picture(row, true));
    if (single) {
      const now = has(single, row), before = single.had[row] === 1;
      if (now !== before) button.append(make("span", { class: `badge ${now ? "in" : "out"}` }, now ? say.new : say.gone));
      button.append(make("span", { class: "value" }, make("b", {}, written(single, single.values[row])), ` · ${data.splits[photos.split[row]]}`));
    } else {
      const names = tags.filter((tag) => has(tag, row)).map((tag) => tag.name);
      button.append(make("span", { class: "value" }, names.length ? names.join(", ") : data.splits[photos.split[row]]));
    }
    button.append(named(row));
    button.addEventListener("click", () => open(shown.indexOf(row)));
    return make("li", {}, button);
  }
  function further() {
    const next = shown.slice(drawn, drawn + PAGE);
    wall.append(...next.map(card));
    drawn += next.length;
    more.hidden = drawn >= shown.length;
    more.textContent = fill(say.more, { n: whole.format(Math.min(PAGE, shown.length - drawn)) });
  }
  more.addEventListener("click", () => { const at = drawn; further(); wall.children[at]?.querySelector("button").focus(); });
  const reached = new IntersectionObserver((entries) => {
    if (more.hidden || !entries.some((entry) => entry.isIntersecting)) return;
    further();
    reached.unobserve(more);  // an observer tells of changes: still in sight after a page, it would stay silent
    reached.observe(more);
  }, { rootMargin: "600px" });
  reached.observe(more);

  // The limit of the one chosen problem, and what moving it would change.
  const range = find("limit", browser), exact = find("exact", browser);
  function aim() {
    const tag = only();
    judge.hidden = !tag || !tag.parameter;
    if (judge.hidden) return;
    const finite = tag.values.filter((value) => value !== null && value < BOUNDLESS);
    let least = tag.limit, most = tag.limit;
    for (const value of finite) { least = Math.min(least, value); most = Math.max(most, value); }
    const step = tag.kind === "d" ? 1 : (most - least) / 400 || 0.01;
    if (tag.kind === "d") { least -= 1; most += 1; }
    Object.assign(tag, { least, most, step });
    find("judge-name", judge).textContent = tag.name;
    find("judge-meaning", judge).textContent = tag.meaning;
    find("measure", judge).textContent = tag.measure;
    find("least", judge).textContent = written(tag, least);
    find("most", judge).textContent = written(tag, most);
    Object.assign(range, { min: least, max: most, step: tag.kind === "d" ? 1 : "any", value: tag.now });
    exact.step = tag.kind === "d" ? 1 : "any";
    const bars = new Array(BARS).fill(0);
    const place = (value) => Math.min(BARS - 1, Math.floor((value - least) / (most - least || 1) * BARS));
    for (const value of finite) bars[place(value)] += 1;
    const top = Math.max(...bars, 1);
    const chart = svg("svg", { viewBox: `0 0 ${BARS} 20`, preserveAspectRatio: "none" });
    bars.forEach((n, at) => {
      const height = n ? Math.max(0.6, 20 * Math.sqrt(n / top)) : 0;
      chart.append(svg("rect", { x: at + 0.08, y: 20 - height, width: 0.84, height, "data-at": least + (at + 0.5) / BARS * (most - least) }));
    });
    find("bars", judge).replaceChildren(chart);
    told();
  }
  // How often the tag would be right at this limit, where the true answers are known.
  function rightness(tag) {
    let hits = 0, found = 0, so = 0, n = 0;
    for (let row = 0; row < total; row++) {
      if (tag.truth[row] === null) continue;
      const now = has(tag, row);
      n += 1;
      found += now;
      so += tag.truth[row];
      hits += now && tag.truth[row];
    }
    const ratio = (part, of) => (of ? two.format(part / of) : "–");
    return fill(say.right, { n: whole.format(n), f1: ratio(2 * hits, found + so), precision: ratio(hits, found), recall: ratio(hits, so) });
  }
  function told() {
    const tag = only();
    if (!tag) return;
    let added = 0, dropped = 0;
    for (let row = 0; row < total; row++) {
      const now = has(tag, row), before = tag.had[row] === 1;
      added += now && !before;
      dropped += before && !now;
    }
    const moved = tag.now !== tag.limit;
    const values = { n: whole.format(count(tag)), added: whole.format(added), dropped: whole.format(dropped) };
    find("change", judge).textContent = fill(moved ? say.changes : say.no_change, values);
    find("right", judge).textContent = tag.truth.length ? rightness(tag) : "";
    find("parameter", judge).textContent = `${tag.parameter}: ${Number(tag.now.toPrecision(4))}`;
    find("back", judge).disabled = !moved;
    for (const bar of judge.querySelectorAll("rect")) {
      const at = Number(bar.dataset.at);
      bar.classList.toggle("beyond", tag.sign * at > tag.sign * tag.now);
    }
    exact.value = Number(tag.now.toPrecision(4));
    range.setAttribute("aria-valuetext", written(tag, tag.now));
  }
  let waiting = 0;
  function move(value) {
    const tag = only();
    if (!tag || Number.isNaN(value)) return;
    tag.now = tag.kind === "d" ? value : Number(value.toPrecision(4));
    if (Math.abs(tag.now - tag.limit) < tag.step / 2) tag.now = tag.limit;
    told();
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(update);
  }
  range.addEventListener("input", () => move(Number(range.value)));
  exact.addEventListener("change", () => { move(exact.valueAsNumber); range.value = only().now; });
  find("back", browser).addEventListener("click", () => { move(only().limit); range.value = only().limit; });
  find("only-changed", browser).addEventListener("change", (event) => { state.changed = event.target.checked; update(); });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "outlines") document.body.classList.toggle("bare", !event.target.checked);
    else update();
  });
  form.addEventListener("reset", () => {
    state.tags.clear();
    for (const tag of tags) tag.now = tag.limit;
    document.body.classList.remove("bare");
    requestAnimationFrame(() => { state.changed = false; aim(); update(); });
  });

  // A list of what is shown, made here and saved by the browser.
  find("download", browser).addEventListener("click", () => {
    const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
    const lines = [["split", "file_name", ...tags.map((tag) => tag.id), ...tags.map((tag) => `${tag.id}_value`)].join(",")];
    for (const row of shown) {
      const values = tags.map((tag) => tag.values[row] ?? "");
      lines.push([photos.split[row], quoted(photos.file[row]), ...tags.map((tag) => Number(has(tag, row))), ...values].join(","));
    }
    const link = make("a", { href: URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" })), download: "photos.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  });

  // One photo, large, with all its measurements.
  const dialog = find("dialog");
  let at = 0;
  function open(index) {
    at = index;
    show();
    dialog.showModal();
    find("name", dialog).focus();
  }
  function show() {
    const row = shown[at];
    find("name", dialog).textContent = photos.file[row];
    find("large", dialog).replaceChildren(picture(row, false));
    const [width, height] = photos.size[row];
    const facts = make("p", { class: "fine" }, [data.splits[photos.split[row]], photos.place[row], `${whole.format(width)} × ${whole.format(height)}`].filter(Boolean).join(" · "));
    const body = make("tbody");
    for (const tag of [...tags].sort((a, b) => has(b, row) - has(a, row))) {
      body.append(make("tr", { class: has(tag, row) ? "hit" : "" },
        make("th", { scope: "row" }, tag.name, make("span", { class: "fine" }, tag.measure)),
        make("td", { class: "number" }, written(tag, tag.values[row])),
        make("td", { class: "number minor" }, tag.parameter ? fill(say.against, { limit: written(tag, tag.now) }) : "")));
    }
    const codes = photos.codes[row].length
      ? make("ul", { class: "plain" }, ...photos.codes[row].map((code) => make("li", {}, data.codes[code], " ", make("code", {}, code))))
      : make("p", { class: "fine" }, say.no_issues);
    find("about", dialog).replaceChildren(facts, make("table", {}, body), make("h4", {}, say.issues), codes);
    find("previous", dialog).disabled = at === 0;
    find("next", dialog).disabled = at === shown.length - 1;
  }
  const step = (by) => { if (shown[at + by] !== undefined) { at += by; show(); } };
  find("previous", dialog).addEventListener("click", () => step(-1));
  find("next", dialog).addEventListener("click", () => step(1));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Pairs across splits.
  const pairs = find("pairs"), morePairs = find("more-pairs");
  let paired = 0;
  function pair([one, other, why, bits]) {
    const side = (row) => make("figure", {}, picture(row, true), make("figcaption", {}, make("span", { class: "chip" }, data.splits[photos.split[row]]), named(row)));
    const text = fill({ leak_same: say.pair_same, leak_source: say.pair_source }[why] || say.pair_alike, { n: bits });
    return make("li", { class: "card" }, make("div", { class: "both" }, side(one), side(other)), make("p", { class: "fine" }, text));
  }
  function furtherPairs() {
    const next = data.pairs.slice(paired, paired + PAIRS);
    pairs.append(...next.map(pair));
    paired += next.length;
    morePairs.hidden = paired >= data.pairs.length;
    morePairs.textContent = fill(say.more, { n: whole.format(Math.min(PAIRS, data.pairs.length - paired)) });
  }
  if (pairs) { morePairs.addEventListener("click", furtherPairs); furtherPairs(); }

  // A problem's name in the table leads to its photos; #tag-NAME in the address does too.
  for (const link of document.querySelectorAll("[data-show-tag]")) {
    link.addEventListener("click", () => choose(link.dataset.showTag, true, true));
  }
  function arrive() {
    const id = location.hash.replace(/^#tag-/, "");
    if (id === location.hash || !byId.has(id)) return;
    choose(id, true, true);
    document.getElementById("photos").scrollIntoView();
  }
  addEventListener("hashchange", arrive);
  browser.hidden = false;
  update();
  arrive();
})();
