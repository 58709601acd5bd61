// Pairs across splits, and the names of problems in the tables, which lead to their photos.
const PAIRS = 12;
const pairs = find("pairs"), morePairs = find("more-pairs");
let placed = 0;
function couple([one, other, why, bits]) {
  const side = (row) => make("figure", {}, picture(row, "truth"), make("figcaption", {}, make("span", { class: "chip" }, splitOf(row)), named(row)));
  const text = fill({ leak_same: say.pair_same, leak_source: say.pair_source }[why] || say.pair_alike, { n: bits });
  return make("li", { class: "card" }, make("div", { class: "both" }, side(one), side(other)), make("p", { class: "fine" }, text));
}
function furtherPairs() {
  const next = data.pairs.slice(placed, placed + PAIRS);
  pairs.append(...next.map(couple));
  placed += next.length;
  morePairs.hidden = placed >= data.pairs.length;
  morePairs.textContent = fill(say.more, { n: whole.format(Math.min(PAIRS, data.pairs.length - placed)) });
}
if (pairs) { morePairs.addEventListener("click", furtherPairs); furtherPairs(); }
for (const link of document.querySelectorAll("[data-show-tag]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose(link.dataset.showTag, true, true);
    remember();
    document.getElementById("photos").scrollIntoView();
    chips.get(link.dataset.showTag).chip.focus({ preventScroll: true });
  });
}
function explain(place, kind) { place.hidden = true; }
