"use strict";
(() => {
  const root = document.documentElement;
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a file may have no storage */ } };
  const recall = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  // The page is written once a language; the one that was asked for, or last chosen, takes the first one's place.
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = asked || recall("language");
  for (const other of document.querySelectorAll("template[data-language]")) {
    if (other.dataset.language !== wanted) continue;
    document.querySelector("[data-layout]").replaceWith(other.content);
    root.lang = wanted;
    document.title = other.dataset.title;
  }
  if (asked === root.lang) remember("language", asked);
  for (const link of document.querySelectorAll("[data-language-link]")) {
    link.hidden = false;
    link.addEventListener("click", () => { link.hash = location.hash; });
  }
  if (document.getElementById(location.hash.slice(1))) document.getElementById(location.hash.slice(1)).scrollIntoView();

  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";

  // Charts: colours and fonts come from the page's own style, so that one chart serves both themes.
  const charts = [...document.querySelectorAll("[data-chart]")];
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  function theme() {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(name).trim();
    const text = { labelColor: of("--soft"), titleColor: of("--soft"), labelFontSize: 12.5, titleFontSize: 12.5, titleFontWeight: 500 };
    return {
      background: null,
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: null },
      padding: 2,
      axis: { ...text, gridColor: of("--line"), domain: false, ticks: false, labelPadding: 8, titlePadding: 12, labelLimit: 210, gridDash: [2, 3] },
      axisY: { grid: false },
      axisYQuantitative: { grid: true },
      legend: { ...text, labelColor: of("--ink"), labelFontSize: 13, symbolSize: 90, offset: 8 },
      range: { category: [of("--series-1"), of("--series-2"), of("--series-3")] },
      bar: { color: of("--series-3") },
      rule: { color: of("--soft") },
      text: { color: of("--soft"), fontSize: 12 },
    };
  }
  async function draw() {
    if (!window.vegaEmbed) return;
    const config = theme();
    for (const place of charts) {
      await window.vegaEmbed(place, read(place.dataset.chart), {
        mode: "vega-lite", ast: true, actions: false, renderer: "svg", defaultStyle: false, config,
        tooltip: { disableDefaultStyle: true }, formatLocale: read("number-locale"),
      });
      place.dataset.drawn = "";
    }
  }

  const toggle = document.querySelector("[data-theme-toggle]");
  function mark() { toggle.setAttribute("aria-pressed", String(isDark())); }
  function set(value) { root.dataset.theme = value; mark(); draw(); }
  if (["light", "dark"].includes(recall("theme"))) root.dataset.theme = recall("theme");
  toggle.hidden = false;
  toggle.addEventListener("click", () => { const next = isDark() ? "light" : "dark"; remember("theme", next); set(next); });
  systemDark.addEventListener("change", () => { mark(); draw(); });
  mark();
  draw();

  // Before and after: the range input lies over the picture, so pointer, touch and arrow keys all move it.
  for (const figure of document.querySelectorAll("[data-compare]")) {
    const range = figure.querySelector("input");
    const stage = figure.querySelector(".compare-stage");
    const move = () => {
      stage.style.setProperty("--at", `${range.value}%`);
      range.setAttribute("aria-valuetext", range.dataset.value.replace("{left}", range.value).replace("{right}", 100 - range.value));
    };
    range.hidden = false;
    figure.classList.add("live");
    range.addEventListener("input", move);
    move();
  }

  // On paper there is no later: what waits for its turn on the screen is loaded at once.
  const hurry = () => { for (const image of document.images) image.loading = "eager"; };
  window.addEventListener("beforeprint", hurry);
  if (location.hash === "#print") hurry();

  // The contents list marks the section that is being read.
  const links = new Map([...document.querySelectorAll("nav.sections a")].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const id of links.keys()) { const section = document.getElementById(id); if (section) watch.observe(section); }
})();
