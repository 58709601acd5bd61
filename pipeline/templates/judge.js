// The limit of the one chosen problem, and what moving it would change.
const BARS = 48;
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
  const ratio = (part, of) => (of ? two.format(part / of) : "\u2013");
  return fill(say.right, { n: whole.format(n), f1: ratio(2 * hits, found + so), precision: ratio(hits, found), recall: ratio(hits, so) });
}
function told() {
  const tag = only();
  if (!tag) return;
  let n = 0, added = 0, dropped = 0;
  for (let row = 0; row < total; row++) {
    const now = has(tag, row), before = tag.had[row] === 1;
    n += now;
    added += now && !before;
    dropped += before && !now;
  }
  const moved = tag.now !== tag.limit;
  const values = { n: whole.format(n), added: whole.format(added), dropped: whole.format(dropped) };
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
let moving = 0;
function move(value) {
  const tag = only();
  if (!tag || Number.isNaN(value)) return;
  tag.now = tag.kind === "d" ? value : Number(value.toPrecision(4));
  if (Math.abs(tag.now - tag.limit) < tag.step / 2) tag.now = tag.limit;
  told();
  cancelAnimationFrame(moving);
  moving = requestAnimationFrame(update);
}
range.addEventListener("input", () => move(Number(range.value)));
range.addEventListener("change", () => remember());
exact.addEventListener("change", () => { move(exact.valueAsNumber); range.value = only().now; remember(); });
find("back", browser).addEventListener("click", () => { move(only().limit); range.value = only().limit; remember(); });
find("only-changed", browser).addEventListener("change", (event) => { state.changed = event.target.checked; update(); });
