// Verdicts of people: right or wrong, what is wrong, and a note.  Kept in this browser, one record a judgement, each
// on the disk before it is called kept; saved as JSON lines.  In a page that is only to look at nothing of it shows.
const AUDIT = about.mode === "audit";
const KINDS = [
  ["entity", "no entity"],
  ["extent", "extent"],
  ["type", "type"],
  ["trace", "trace does not argue"],
];
const STATES = ["unjudged", "right", "wrong"];
const NOBODY = "anonymous";
const verdicts = new Map();
let person = NOBODY;
let base = null;
let keeping = Promise.resolve();

const answerAt = (found) => (found.attempts || [])[found.first || 0] || {};
const verdictOf = (place) => verdicts.get(index.guid[place]);
const verdictCode = (place) => STATES.indexOf(AUDIT && verdictOf(place) ? verdictOf(place).verdict : "unjudged");

function verdictMark(place) {
  if (!AUDIT || !verdictOf(place)) return null;
  const right = verdictOf(place).verdict === "right";
  return make("span", { class: `mark ${right ? "kept" : "dropped"}` }, right ? "✓ right" : "✕ wrong");
}

// --- the browser's own store ------------------------------------------------------------------------

function openBase() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("nercot-audit", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("verdicts", { keyPath: ["corpus", "fingerprint", "guid", "answer", "person"] });
      asked.result.createObjectStore("people");
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
    asked.onblocked = () => failed(new Error("another tab holds an older store"));
  });
}

// Runs in one transaction; resolves when it is complete, so that what was written is on the disk.
function transact(store, mode, action) {
  return new Promise((done, failed) => {
    const transaction = base.transaction(store, mode, { durability: "strict" });
    const asked = action(transaction.objectStore(store));
    transaction.oncomplete = () => done(asked.result);
    transaction.onerror = transaction.onabort = () => failed(transaction.error);
  });
}

const here = () => IDBKeyRange.bound([about.corpus, about.fingerprint], [about.corpus, about.fingerprint, []]);

async function stored() {
  if (!base) return [...verdicts.values()];
  return transact("verdicts", "readonly", (store) => store.getAll(here()));
}

async function readVerdicts() {
  const found = await stored();
  const answers = new Map(index.guid.map((guid, place) => [guid, index.answer[place]]));
  verdicts.clear();
  for (const item of found) if (item.person === person && answers.get(item.guid) === item.answer) verdicts.set(item.guid, item);
}

function keep(record) {
  verdicts.set(record.guid, record);
  afterChange("keeping…");
  if (!base) return afterChange("");
  keeping = keeping.then(() => transact("verdicts", "readwrite", (store) => store.put(record))).then(
    () => afterChange("kept in this browser"),
    (error) => afterChange(`not kept (${error && error.message}): save your verdicts before you close this page`),
  );
}

function afterChange(said) {
  const box = document.getElementById("kept");
  if (box) box.textContent = said;
  const counts = [0, 0, 0];
  for (let place = 0; place < about.rows; place++) counts[verdictCode(place)]++;
  document.getElementById("judged").textContent = `${counts[1] + counts[2]} of ${about.rows} judged`;
  document.querySelectorAll("fieldset[data-facet=verdict] .n").forEach((element, number) => (element.textContent = String(counts[number])));
}

// --- the panel --------------------------------------------------------------------------------------

function verdictPanel() {
  if (!AUDIT || !answerAt(row).answer) return null;
  const record = verdicts.get(row.guid);
  const choice = (verdict, sign, key) => make("button", { type: "button", class: `verdict-${verdict}`, "aria-pressed": String(record?.verdict === verdict), onclick: () => judge(verdict) }, `${sign} ${verdict === "right" ? "Right" : "Wrong"} `, make("kbd", {}, key));
  return make(
    "section",
    { id: "verdict", "aria-label": "Your verdict" },
    make("div", { class: "choices" }, choice("right", "✓", "1"), choice("wrong", "✕", "2"), make("span", { id: "kept", role: "status", class: "quiet" })),
  );
}

// What is wrong, below the sentence that it speaks of.
function faultPanel() {
  const record = AUDIT ? verdicts.get(row.guid) : null;
  if (!record || !answerAt(row).answer) return AUDIT ? make("section", { id: "faults", hidden: true }) : null;
  const note = make("textarea", { rows: 2, "aria-label": "Note", placeholder: "Note", oninput: (event) => change({ note: event.target.value }) });
  note.value = record.note;
  return make("section", { id: "faults", "aria-label": "What is wrong" }, record.verdict === "wrong" ? faultTable(record) : null, note);
}

function faultTable(record) {
  const entities = answerAt(row).entities || [];
  const has = (kind, entity) => record.faults.some((fault) => fault.kind === kind && equal(fault.entity, entity));
  const body = entities.map((entity, number) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", dir: "auto" }, `${number + 1} ${cut(entity.text || "")} `, make("span", { class: `type ${hue(entity.label)}` }, cut(entity.label))),
      ...KINDS.map(([kind, title]) => make("td", {}, box(`${title}: ${number + 1}`, has(kind, plain(entity)), (on) => setFault(kind, plain(entity), on)))),
    ),
  );
  const head = make("tr", {}, make("td", {}), ...KINDS.map(([, title]) => make("th", { scope: "col" }, title)));
  const missing = record.faults.find((fault) => fault.kind === "missing");
  const what = make("input", { type: "text", "aria-label": "Which mention is missing", placeholder: "which mention, as it stands there", dir: "auto", oninput: (event) => setMissing(event.target.value, type.value) });
  const type = make("select", { "aria-label": "Type of the missing mention", onchange: () => setMissing(what.value, type.value) }, ...["", ...(row.schema || [])].map((label) => make("option", { value: label }, label || "which type")));
  what.value = missing?.entity?.text || "";
  type.value = missing?.entity?.label || "";
  return make(
    "div",
    {},
    entities.length ? make("div", { class: "scroll" }, make("table", { class: "faults" }, make("caption", {}, "What is wrong"), make("thead", {}, head), make("tbody", {}, ...body))) : null,
    make("p", { class: "missing" }, box("a mention is missing", Boolean(missing), (on) => (on ? setMissing(what.value, type.value) : dropMissing())), what, type),
  );
}

function box(title, on, changed) {
  const input = make("input", { type: "checkbox", "aria-label": title, onchange: (event) => changed(event.target.checked) });
  input.checked = on;
  return title.includes(":") ? input : make("label", {}, input, ` ${title}`);
}

const plain = (entity) => ({ text: entity.text ?? null, label: entity.label, start: entity.start ?? null, end: entity.end ?? null });
const equal = (one, other) => Boolean(one && other) && same(one, other);

function judge(verdict) {
  if (!row || !answerAt(row).answer) return;
  const before = verdicts.get(row.guid);
  change({ verdict, faults: verdict === "right" ? [] : before?.faults || [] });
  const panel = document.getElementById("verdict");
  const focused = panel.contains(document.activeElement);
  const said = document.getElementById("kept").textContent;
  panel.replaceWith(verdictPanel());
  document.getElementById("faults").replaceWith(faultPanel());
  document.getElementById("kept").textContent = said;
  if (focused) document.querySelector(`.verdict-${verdict}`).focus();
  redrawRow(place_);
}

function change(more) {
  const before = verdicts.get(row.guid) || { verdict: "wrong", faults: [], note: "" };
  const identity = { corpus: about.corpus, fingerprint: about.fingerprint, guid: row.guid, answer: answerAt(row).answer, person };
  keep({ ...identity, verdict: before.verdict, faults: before.faults, note: before.note, ...more });
}

function setFault(kind, entity, on) {
  const rest = verdicts.get(row.guid).faults.filter((fault) => !(fault.kind === kind && equal(fault.entity, entity)));
  change({ faults: on ? [...rest, { kind, entity }] : rest });
}

function setMissing(text, label) {
  const rest = verdicts.get(row.guid).faults.filter((fault) => fault.kind !== "missing");
  const at = text && row.sentence ? row.sentence.indexOf(text) : -1;
  const start = at < 0 ? null : [...row.sentence.slice(0, at)].length;
  const entity = text ? { text, label: label || null, start, end: start === null ? null : start + [...text].length } : null;
  const input = document.querySelector("#faults .missing input[type=checkbox]");
  if (input) input.checked = true;
  change({ faults: [...rest, { kind: "missing", entity }] });
}

function dropMissing() {
  change({ faults: verdicts.get(row.guid).faults.filter((fault) => fault.kind !== "missing") });
}

// --- the head of the page ---------------------------------------------------------------------------

async function saveVerdicts() {
  await keeping;
  const found = await stored();
  const order = new Map(index.guid.map((guid, place) => [guid, place]));
  const lines = found
    .filter((item) => order.has(item.guid))
    .sort((a, b) => order.get(a.guid) - order.get(b.guid) || (a.person < b.person ? -1 : 1))
    .map((item) => JSON.stringify({ corpus: item.corpus, fingerprint: item.fingerprint, guid: item.guid, answer: item.answer, person: item.person, verdict: item.verdict, faults: item.faults, note: item.note }));
  const address = URL.createObjectURL(new Blob(lines.map((line) => `${line}\n`), { type: "application/x-ndjson" }));
  const link = make("a", { href: address, download: `verdicts-${about.corpus.replace(/[^\w.-]+/g, "-")}.jsonl` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

async function setPerson(name) {
  person = name.trim() || NOBODY;
  if (base) await transact("people", "readwrite", (store) => store.put(person, "last"));
  await readVerdicts();
  await refreshVerdicts();
}

async function refreshVerdicts() {
  afterChange("");
  await refresh();
  if (row && place_ >= 0) showAttempt(attempt_);
}

async function beginAudit() {
  if (!AUDIT) return;
  try {
    base = await openBase();
    person = (await transact("people", "readonly", (store) => store.get("last"))) || NOBODY;
  } catch (error) {
    const notes = document.getElementById("notes");
    notes.hidden = false;
    notes.append(make("p", { role: "alert" }, `This browser keeps nothing of this page (${error.message}): save your verdicts before you close it.`));
  }
  await readVerdicts();
  const name = make("input", { type: "text", id: "person", placeholder: NOBODY, autocomplete: "name", onchange: (event) => setPerson(event.target.value) });
  name.value = person === NOBODY ? "" : person;
  const save = make("button", { type: "button", id: "save", onclick: saveVerdicts }, "Save verdicts");
  document.querySelector(".tools").prepend(make("label", {}, "Your name ", name), make("span", { id: "judged", role: "status" }), save);
  KEYS.push(["1", "right", () => judge("right")], ["2", "wrong", () => judge("wrong")]);
  about.facets.unshift({ name: "verdict", title: "Your verdict", codes: STATES.map((state) => [state, 0]) });
  addEventListener("focus", async () => {
    // Another tab may have judged meanwhile.
    await keeping;
    const before = verdicts.size;
    await readVerdicts();
    if (verdicts.size !== before) await refreshVerdicts();
  });
}
