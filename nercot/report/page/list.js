// The list: as many options in the page as can be seen, however many rows there are.
const ROW = 76;
const SPARE = 6;
const list = document.getElementById("list");
const space = document.getElementById("space");
let listed = [];
let where = new Map();
let selected = -1;
let window_ = [-1, -1];

function showList(places) {
  listed = places;
  where = new Map(places.map((place, number) => [place, number]));
  space.style.height = `${places.length * ROW}px`;
  window_ = [-1, -1];
  const at = where.get(selected);
  if (at === undefined) list.scrollTop = 0;
  else reveal(at);
  drawList();
}

function drawList() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
  const last = Math.min(listed.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE);
  if (first === window_[0] && last === window_[1]) return;
  const fresh = window_[0] < 0 || first >= window_[1] || last <= window_[0];
  const [from, to] = fresh ? [first, first] : window_;
  window_ = [first, last];
  if (fresh) space.replaceChildren();
  for (let number = from; number < Math.min(to, first); number++) space.firstChild.remove();
  for (let number = Math.max(from, last); number < to; number++) space.lastChild.remove();
  for (let number = Math.min(from, last) - 1; number >= first; number--) space.prepend(option(number));
  for (let number = Math.max(to, first); number < last; number++) space.append(option(number));
  markActive();
}

function option(number) {
  const place = listed[number];
  const kept = codeOf("kept", place);
  const reason = codeOf("reason", place);
  const points = index.points[place];
  const element = make(
    "div",
    {
      role: "option",
      id: `row-${place}`,
      class: `row ${kept}`,
      "data-guid": index.guid[place],
      "data-kept": kept,
      "aria-selected": String(place === selected),
      "aria-posinset": number + 1,
      "aria-setsize": listed.length,
      onclick: () => select(place),
    },
    make("span", { class: "line" }, make("span", { class: "fate" }, `${SIGNS[kept]} ${kept}`), reason ? make("span", { class: "reason" }, reason) : null, make("span", { class: "of" }, codeOf("dataset", place) || ""), points === null ? null : make("span", { class: "points" }, String(points)), verdictMark(place)),
    make("span", { class: "head", dir: "auto" }, index.head[place] || "(without text)"),
  );
  element.style.top = `${number * ROW}px`;
  return element;
}

const SIGNS = { kept: "✓", dropped: "✕", pending: "…" };

function codeOf(facet, place) {
  const ids = index[facet] ? index[facet][place] : [];
  return ids.length ? about.facets.find((item) => item.name === facet).codes[ids[0]][0] : null;
}

function markActive() {
  for (const element of space.children) element.setAttribute("aria-selected", String(element.id === `row-${selected}`));
  if (document.getElementById(`row-${selected}`)) list.setAttribute("aria-activedescendant", `row-${selected}`);
  else list.removeAttribute("aria-activedescendant");
}

function reveal(number) {
  const top = number * ROW;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
}

function redrawRow(place) {
  const number = where.get(place);
  const element = document.getElementById(`row-${place}`);
  if (element && number !== undefined) element.replaceWith(option(number));
}

function select(place, quiet) {
  selected = place;
  const number = where.get(place);
  if (number !== undefined) reveal(number);
  drawList();
  markActive();
  if (!quiet) history.replaceState(null, "", `#${encodeURIComponent(index.guid[place])}`);
  showRow(place);
}

function step(by) {
  if (!listed.length) return;
  const at = where.get(selected);
  const to = at === undefined ? (by > 0 ? 0 : listed.length - 1) : Math.max(0, Math.min(listed.length - 1, at + by));
  select(listed[to]);
}

// A guid, or its beginning where no other row has it.
function goTo(guid) {
  let place = index.guid.indexOf(guid);
  if (place < 0 && guid.length >= 6) place = index.guid.findIndex((item) => item.startsWith(guid));
  if (place < 0) return false;
  if (!where.has(place)) clearFilters();
  select(place);
  return true;
}

list.addEventListener("scroll", () => requestAnimationFrame(drawList), { passive: true });
new ResizeObserver(() => {
  window_ = [-1, -1];
  drawList();
}).observe(list);
list.addEventListener("keydown", (event) => {
  const page = Math.max(1, Math.floor(list.clientHeight / ROW) - 1);
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -listed.length, End: listed.length }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  step(by);
});
