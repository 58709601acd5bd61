// A list of what is shown, made here and saved by the browser.
find("download", browser).addEventListener("click", () => {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = [["split", "file_name", ...(scored ? ["iou", "suspects"] : []), ...tags.map((tag) => tag.id), ...tags.map((tag) => `${tag.id}_value`)].join(",")];
  for (const row of shown) {
    const outcome = scored ? [photos.iou[row] ?? "", photos.doubts[row].length] : [];
    const values = tags.map((tag) => tag.values[row] ?? "");
    lines.push([data.splits[photos.split[row]], quoted(photos.file[row]), ...outcome, ...tags.map((tag) => Number(has(tag, row))), ...values].join(","));
  }
  const link = make("a", { href: URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" })), download: "photos.csv" });
  link.click();
  URL.revokeObjectURL(link.href);
});

// The address says what is shown, so that it can be kept, sent and reloaded: #tag=far&sort=low&photo=test-0a1b...
function address(row) {
  const said = new URLSearchParams();
  for (const id of state.tags) said.append("tag", id);
  const text = form.elements.text.value.trim();
  if (text) said.set("text", text);
  for (const name of FIELDS) {
    const field = form.elements[name];
    if (field.value && field.value !== field.dataset.first) said.set(name, field.value);
  }
  const single = only();
  if (single && single.now !== single.limit) said.set("limit", single.now);
  if (row != null) said.set("photo", nameOf(row));
  return said.toString();
}
function remember(row = null, add = false) {
  const said = address(row);
  const where = `${location.pathname}${location.search}${said && `#${said}`}`;
  if (add) history.pushState({ opened: true }, "", where);
  else history.replaceState(history.state, "", where);
}
function arrive() {
  const hash = location.hash.slice(1);
  const old = hash.startsWith("tag-") && byId.has(hash.slice(4)) ? `tag=${hash.slice(4)}` : hash;
  const said = new URLSearchParams(old);
  const known = old.includes("=");
  const photo = rowOf.get(said.get("photo"));
  said.delete("photo");
  if (known && said.toString() !== address()) {
    blank();
    for (const id of said.getAll("tag")) if (byId.has(id)) state.tags.add(id);
    form.elements.text.value = said.get("text") || "";
    if (state.tags.size) form.elements.sort.value = "worst";
    for (const name of FIELDS) {
      const field = form.elements[name];
      if ([...field.options].some((option) => option.value === said.get(name))) field.value = said.get(name);
    }
    const single = only(), limit = Number(said.get("limit"));
    if (single && said.has("limit") && Number.isFinite(limit)) single.now = limit;
    aim();
    update();
  } else if (!hash && address()) {
    blank();
    aim();
    update();
  }
  if (old !== hash) document.getElementById("photos").scrollIntoView();
  if (photo === undefined) leave(); else view(photo, null);
}
