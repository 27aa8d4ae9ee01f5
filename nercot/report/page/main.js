// Begins: opens the index, draws the list, listens to keys, follows the permalink.
const KEYS = [
  ["j", "next row", () => step(1)],
  ["k", "row before", () => step(-1)],
  ["n", "next mention", () => stepMention(1)],
  ["p", "mention before", () => stepMention(-1)],
  ["/", "search", () => document.getElementById("search").focus()],
  ["f", "filters", () => focusFilters()],
  ["?", "these keys", () => document.getElementById("help").showModal()],
];

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("textarea, select, input:not([type=checkbox]):not([type=radio])");
  if (typing && event.key === "Escape") return event.target.blur();
  if (typing || document.getElementById("help").open) return;
  const key = KEYS.find(([name]) => name === event.key);
  if (!key) return;
  event.preventDefault();
  key[2]();
}

function focusFilters() {
  show("filters", true);
  const first = document.querySelector("#facets input");
  if (first) first.focus();
}

function show(name, on) {
  document.getElementById(name).hidden = !on;
  document.getElementById(`${name}-button`).setAttribute("aria-expanded", String(on));
  document.body.classList.toggle(`no-${name}`, !on);
}

function drawHead() {
  const shown = about.rows < about.of ? `${plural(about.rows, "row")} of ${about.of.toLocaleString("en")}` : plural(about.rows, "row");
  const parts = [about.corpus === about.title ? null : about.corpus, about.version && `version ${about.version}`, shown, about.fingerprint && `fingerprint ${about.fingerprint.slice(0, 12)}`, `nercot ${about.tool}`];
  document.getElementById("subtitle").textContent = parts.filter(Boolean).join(" · ");
  const notes = [...about.notes];
  if (about.sample) notes.unshift(`A sample of ${plural(about.rows, "row")} of ${about.of.toLocaleString("en")}, drawn with seed ${about.sample.seed} in ${plural(Object.keys(about.sample.layers).length, "layer")} (outcome and data set), each with its share.`);
  const box = document.getElementById("notes");
  box.hidden = !notes.length;
  box.append(...notes.map((note) => make("p", {}, note)));
}

function follow() {
  let guid = location.hash.slice(1);
  try {
    guid = decodeURIComponent(guid);
  } catch {
    // A guid with a stray % stands as it is.
  }
  return guid !== "" && goTo(guid);
}

async function begin() {
  const narrow = matchMedia("(max-width: 719px)").matches;
  for (const name of ["overview", "filters"]) {
    show(name, !narrow && !(AUDIT && name === "overview"));
    document.getElementById(`${name}-button`).addEventListener("click", () => show(name, document.getElementById(name).hidden));
  }
  document.getElementById("help-button").addEventListener("click", () => document.getElementById("help").showModal());
  document.getElementById("help-close").addEventListener("click", () => document.getElementById("help").close());
  document.getElementById("clear").addEventListener("click", clearFilters);
  document.getElementById("sort").addEventListener("change", (event) => {
    order = event.target.value;
    refresh();
  });
  let waiting = 0;
  document.getElementById("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      terms = termsOf(event.target.value);
      refresh();
    }, 120);
  });
  document.getElementById("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && listed.length) select(listed[0]);
  });
  addEventListener("keydown", pressed);
  addEventListener("hashchange", follow);
  drawHead();
  try {
    await openIndex();
  } catch (error) {
    tellCount(String(error.message));
    return;
  }
  await beginAudit();
  document.getElementById("keys").append(...KEYS.flatMap(([key, what]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)]));
  drawFacets();
  if (AUDIT) afterChange("");
  await refresh();
  if (!follow() && listed.length && !narrow) select(listed[0], true);
  document.documentElement.dataset.ready = "true";
}

begin();
