// Which rows are listed, and in which order: filters (or within a group, and between groups), search, sort.
const chosen = new Map();
const SHOWN_CODES = 12;
let terms = [];
let order = "";
let turn = 0;

function drawFacets() {
  const holder = document.getElementById("facets");
  for (const facet of about.facets) {
    const codes = facet.codes.map(([code, count], id) => ({ code, count, id }));
    if (facet.name !== "verdict") codes.sort(facet.name === "score" ? byRange : (a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
    const box = make("fieldset", { "data-facet": facet.name }, make("legend", {}, facet.title));
    holder.append(box);
    drawCodes(box, facet, codes, 0, SHOWN_CODES);
  }
}

const byRange = (a, b) => (parseInt(b.code) || -1) - (parseInt(a.code) || -1);

function drawCodes(box, facet, codes, from, to) {
  for (const { code, count, id } of codes.slice(from, to)) {
    const input = make("input", { type: "checkbox", onchange: (event) => toggle(facet.name, id, event.target.checked) });
    box.append(make("label", { title: code.length > 24 ? code.slice(0, 300) : null }, input, make("span", { class: "code" }, code), " ", make("span", { class: "n" }, String(count))));
  }
  if (codes.length <= to) return;
  const more = make("button", { type: "button", class: "more" }, `${codes.length - to} more`);
  more.addEventListener("click", () => {
    more.remove();
    drawCodes(box, facet, codes, to, to + 200);
  });
  box.append(more);
}

function toggle(facet, id, on) {
  const ids = chosen.get(facet) || new Set();
  if (on) ids.add(id);
  else ids.delete(id);
  if (ids.size) chosen.set(facet, ids);
  else chosen.delete(facet);
  refresh();
}

function clearFilters() {
  chosen.clear();
  for (const input of document.querySelectorAll("#facets input")) input.checked = false;
  const search = document.getElementById("search");
  search.value = "";
  terms = [];
  refresh();
}

// "two words" in quotes are one term; every term has to be in the row.
function termsOf(query) {
  return [...query.toLowerCase().matchAll(/"([^"]+)"?|(\S+)/g)].map((match) => match[1] || match[2]);
}

function passes(place) {
  for (const [facet, ids] of chosen) {
    const own = facet === "verdict" ? [verdictCode(place)] : index[facet][place];
    if (!own.some((id) => ids.has(id))) return false;
  }
  return true;
}

function sorted(places) {
  if (!order) return places;
  const [column, sign] = order.startsWith("-") ? [index[order.slice(1)], -1] : [index[order], 1];
  const value = (place) => (column[place] === null ? Infinity : column[place] * sign);
  return places.sort((a, b) => value(a) - value(b) || a - b);
}

async function refresh() {
  const mine = ++turn;
  let places = [];
  for (let place = 0; place < about.rows; place++) if (passes(place)) places.push(place);
  if (terms.length) {
    if (texts.length < about.rows) {
      await readTexts((done, of) => mine === turn && tellCount(`Searching, ${Math.floor((100 * done) / of)} %`));
      if (mine !== turn) return;
    }
    places = places.filter((place) => terms.every((term) => texts[place].includes(term)));
  }
  showList(sorted(places));
  tellCount(places.length === about.rows ? plural(about.rows, "row") : `${places.length.toLocaleString("en")} of ${plural(about.rows, "row")}`);
  paint([document.getElementById("sentence"), document.getElementById("trace")], terms);
}

const tellCount = (text) => (document.getElementById("count").textContent = text);
