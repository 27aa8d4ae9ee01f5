// One row: its sentence with the mentions, its trace with the evidence, and everything that was said of both.
const SUBSCORES = ["grounding", "boundary", "type", "completeness", "coherence", "score"];
let row = null;
let place_ = -1;
let attempt_ = 0;
let active = -1;
let asked = 0;

async function showRow(place) {
  const mine = ++asked;
  let found;
  try {
    found = await rowAt(place);
  } catch (error) {
    document.getElementById("sentence").replaceChildren(make("p", { class: "empty", role: "alert" }, String(error.message)));
    return;
  }
  if (mine !== asked) return;
  row = found;
  place_ = place;
  showAttempt(row.first || 0, true);
  if (matchMedia("(max-width: 719px)").matches) document.getElementById("sentence").scrollIntoView({ block: "start" });
}

function showAttempt(number, fresh) {
  attempt_ = number;
  active = -1;
  const attempt = (row.attempts || [])[number] || {};
  const sentence = document.getElementById("sentence");
  const trace = document.getElementById("trace");
  sentence.replaceChildren(...sentenceParts(attempt).filter(Boolean));
  trace.replaceChildren(...traceParts(attempt).filter(Boolean));
  if (fresh) sentence.scrollTop = trace.scrollTop = 0;
  paint([sentence, trace], terms);
}

function sentenceParts(attempt) {
  return [
    heading(),
    verdictPanel(),
    sentenceText(attempt),
    faultPanel(),
    mentionTable(attempt),
    goldTable(attempt),
    refusedList(attempt),
    schemaList(),
    originList(),
  ];
}

function heading() {
  const what = row.kept === "kept" ? "; an answer was discarded" : "";
  const why = row.reason ? `${what} at ${row.step || "?"}: ` : "";
  return make(
    "header",
    { class: `fate ${row.kept}` },
    make("p", { class: "outcome" }, make("strong", {}, `${SIGNS[row.kept]} ${row.kept}`), why, row.reason ? make("code", {}, row.reason) : null, row.detail ? make("span", { class: "detail", dir: "auto" }, row.detail) : null),
    make("p", { class: "facts" }, ...facts()),
  );
}

function facts() {
  const found = [];
  const add = (name, value) => value !== undefined && value !== null && found.push(make("span", { class: "fact" }, make("span", { class: "key" }, name), String(value)));
  add("score", row.score);
  add("data set", row.dataset);
  add("split", row.split);
  add("licence", row.license);
  add("against gold", row.drift);
  if (row.near_duplicate_of) found.push(make("span", { class: "fact warn" }, make("span", { class: "key" }, "near-duplicate of"), jump(row.near_duplicate_of)));
  if (row.contaminated_by) found.push(make("span", { class: "fact warn" }, make("span", { class: "key" }, "contaminated by"), row.contaminated_by));
  return found;
}

const isBare = () => row.sentence === undefined && row.input === undefined;
const jump = (guid) => make("a", { href: `#${encodeURIComponent(guid)}` }, guid.slice(0, 12));

// --- the sentence ---------------------------------------------------------------------------------

function sentenceText(attempt) {
  if (row.sentence === undefined) {
    const raw = row.input !== undefined ? make("pre", { class: "raw", dir: "auto" }, row.input) : make("p", { class: "empty" }, "This row stands without its text: its licence does not allow it to be passed on.");
    return make("div", {}, make("h2", {}, row.input !== undefined ? "What stood there" : "Sentence"), raw);
  }
  const spans = [];
  (attempt.entities || []).forEach((entity, number) => {
    if (Number.isInteger(entity.start)) spans.push({ start: entity.start, end: entity.end, number, label: entity.label, kind: "mention" });
  });
  for (const pair of attempt.gold || []) {
    if (pair.gold && pair.kind !== "relabelled" && Number.isInteger(pair.gold.start)) spans.push({ start: pair.gold.start, end: pair.gold.end, label: pair.gold.label, kind: "gold" });
  }
  for (const span of refusedSpans(attempt)) spans.push(span);
  return make("p", { class: "sentence", dir: "auto" }, ...spanned(row.sentence, spans, "m"));
}

function refusedSpans(attempt) {
  const found = [];
  for (const mention of new Set((attempt.reading && attempt.reading.refused) || [])) {
    const at = mention ? row.sentence.indexOf(mention) : -1;
    if (at < 0) continue;
    const start = [...row.sentence.slice(0, at)].length;
    found.push({ start, end: start + [...mention].length, label: "refused", kind: "refused" });
  }
  return found;
}

// Text nodes in spans; where a span ends, a button with its number and type links it to the other side.
function spanned(text, spans, side) {
  const nodes = [];
  const seen = new Set();
  for (const piece of pieces(text, spans)) {
    if (!piece.spans.length) {
      nodes.push(piece.text);
      continue;
    }
    const own = piece.spans.filter((span) => span.number !== undefined);
    const top = own[own.length - 1] || piece.spans[piece.spans.length - 1];
    const classes = ["span", ...new Set(piece.spans.map((span) => span.kind)), own.length ? hue(top.label) : "", own.length > 1 ? "nested" : ""];
    nodes.push(make("span", { class: classes.join(" "), "data-n": own.map((span) => span.number).join(" "), onclick: own.length ? () => activate(top.number, side) : null }, piece.text));
    for (const span of piece.spans) if (span.to === piece.to && !seen.has(span)) {
      seen.add(span);
      nodes.push(chip(span, side));
    }
  }
  return nodes;
}

function chip(span, side) {
  if (span.kind === "gold") return make("span", { class: "chip gold" }, `gold ${cut(span.label)}`);
  if (span.kind === "refused") return make("span", { class: "chip refused" }, "refused");
  const what = side === "m" ? `mention ${span.number + 1}, ${span.label}: show its evidence` : `evidence of mention ${span.number + 1}: show the mention`;
  const label = side === "m" ? ` ${cut(span.label)}` : "";
  return make("button", { type: "button", class: `chip ${hue(span.label)}`, "data-chip": `${side}${span.number}`, "aria-label": what.slice(0, 200), "aria-pressed": "false", onclick: () => activate(span.number, side), onfocus: () => active !== span.number && activate(span.number, side, true) }, make("b", {}, String(span.number + 1)), label);
}

const cut = (label) => (label.length > 40 ? `${label.slice(0, 39)}…` : label);

// Outlines a mention and its evidence, and scrolls the other side to its part.
function activate(number, side, quiet) {
  active = number;
  for (const element of document.querySelectorAll("[data-n]")) element.classList.toggle("active", element.dataset.n.split(" ").includes(String(number)));
  for (const element of document.querySelectorAll("button[data-chip]")) element.setAttribute("aria-pressed", String(element.dataset.chip.slice(1) === String(number)));
  for (const element of document.querySelectorAll("tr[data-row]")) element.classList.toggle("active", element.dataset.row === String(number));
  const other = side === "m" ? "trace" : "sentence";
  const target = document.querySelector(`#${other} [data-n~="${number}"]`);
  if (target) target.scrollIntoView({ block: "nearest", behavior: calm() });
  if (!quiet) {
    const own = document.querySelector(`#${side === "m" ? "sentence" : "trace"} [data-n~="${number}"]`);
    if (own) own.scrollIntoView({ block: "nearest", behavior: calm() });
  }
}

const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

function stepMention(by) {
  const count = row ? ((row.attempts || [])[attempt_] || { entities: [] }).entities?.length || 0 : 0;
  if (!count) return;
  activate(active < 0 ? (by > 0 ? 0 : count - 1) : (active + by + count) % count, "m");
}

function mentionTable(attempt) {
  const entities = attempt.entities;
  if (!entities) return (row.attempts || []).length ? make("p", { class: "empty" }, "The answer could not be read.") : null;
  if (!entities.length) return make("p", { class: "empty" }, "No mentions: the answer says that there are none.");
  const told = entities.map((entity, number) => remarks(entity, number, attempt));
  const remarked = told.some((found) => found.length);
  const body = entities.map((entity, number) =>
    make(
      "tr",
      { "data-row": number, onclick: () => activate(number, "m") },
      make("td", { class: "n" }, String(number + 1)),
      make("td", { dir: "auto" }, entity.text === null || entity.text === undefined ? "(without text)" : entity.text),
      make("td", {}, make("span", { class: `type ${hue(entity.label)}` }, entity.label)),
      make("td", { class: "n" }, Number.isInteger(entity.start) ? `${entity.start}–${entity.end}` : "–"),
      remarked ? make("td", {}, ...told[number]) : null,
    ),
  );
  const head = make("tr", {}, ...["", "Mention", "Type", "Place", ...(remarked ? ["Remarks"] : [])].map((name) => make("th", { scope: "col" }, name || make("span", { class: "hidden" }, "Number"))));
  return make("div", { class: "scroll" }, make("table", { class: "mentions" }, make("caption", {}, `Mentions (${entities.length})`), make("thead", {}, head), make("tbody", {}, ...body)));
}

function remarks(entity, number, attempt) {
  const found = [];
  const badge = (text, kind) => found.push(make("span", { class: `badge ${kind || ""}`, dir: "auto" }, text));
  if (!Number.isInteger(entity.start)) badge("not in the sentence", "bad");
  else if (attempt.cot && !Number.isInteger(entity.cot_start)) badge("no evidence", "bad");
  if (entity.match && entity.match !== "exact") badge(`found by ${entity.match}`);
  for (const note of attempt.boundary || []) if (note.entity === number) badge(`boundary: the reader took “${note.taken}”`, "warn");
  for (const pair of attempt.gold || []) if (pair.found && same(pair.found, entity)) badge(pair.kind === "added" ? "not in gold" : `gold: ${pair.kind}`, "warn");
  for (const item of attempt.violations || []) if (item.entity && same(item.entity, entity)) badge(item.rule, "bad");
  return found;
}

const same = (one, other) => one.text === other.text && one.label === other.label && one.start === other.start && one.end === other.end;

function goldTable(attempt) {
  const pairs = attempt.gold || [];
  if (!pairs.length) {
    const equal = row.gold && attempt.entities ? "The same as gold." : null;
    return equal ? make("p", { class: "quiet" }, equal) : null;
  }
  const cell = (entity) => (entity ? make("td", { dir: "auto" }, `${entity.text ?? "(without text)"} `, make("span", { class: `type ${hue(entity.label)}` }, entity.label)) : make("td", { class: "quiet" }, "nothing"));
  const body = pairs.map((pair) => make("tr", {}, make("td", {}, make("span", { class: "badge warn" }, pair.kind)), cell(pair.gold), cell(pair.found)));
  const head = make("tr", {}, ...["Difference", "In gold", "Here"].map((name) => make("th", { scope: "col" }, name)));
  return make("div", { class: "scroll" }, make("table", { class: "gold" }, make("caption", {}, `Against gold (${pairs.length})`), make("thead", {}, head), make("tbody", {}, ...body)));
}

function refusedList(attempt) {
  const refused = (attempt.reading && attempt.reading.refused) || [];
  if (!refused.length) return null;
  return make("div", {}, make("h2", {}, "Refused by the trace"), make("p", {}, ...refused.flatMap((mention) => [make("span", { class: "badge refused", dir: "auto" }, mention), " "])));
}

function schemaList() {
  const items = (row.schema || []).map((label, number) => make("li", {}, make("span", { class: `type ${hue(label)}` }, label), row.descriptions && row.descriptions[number] ? ` ${row.descriptions[number]}` : ""));
  return items.length ? make("details", {}, make("summary", {}, `Types asked for (${items.length})`), make("ul", { class: "types" }, ...items)) : null;
}

function originList() {
  const link = make("a", { href: `#${encodeURIComponent(row.guid)}` }, row.guid);
  const pairs = [["Guid", link], ["Source id", row.source_id], ["Source file", row.source_file && (row.source_row ? `${row.source_file}, row ${row.source_row}` : row.source_file)], ["Data set", row.dataset], ["Licence", row.license]];
  return make("details", { open: true }, make("summary", {}, "Where it comes from"), definitions(pairs));
}

function definitions(pairs) {
  const found = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return make("dl", {}, ...found.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { dir: "auto" }, value instanceof Node ? value : String(value))]));
}

// --- the trace ------------------------------------------------------------------------------------

function traceParts(attempt) {
  const attempts = row.attempts || [];
  if (!attempts.length) return [make("p", { class: "empty" }, row.sentence === undefined ? "Nothing was asked about this row." : "There is no answer to this sentence.")];
  const panel = make("div", { role: "tabpanel", id: "attempt", "aria-labelledby": `tab-${attempt_}`, tabindex: 0 }, ...attemptParts(attempt).filter(Boolean));
  return [tabs(attempts), panel];
}

function tabs(attempts) {
  const buttons = attempts.map((attempt, number) => {
    const fate = attempt.kept ? "kept" : attempt.reason || "not kept";
    return make("button", { type: "button", role: "tab", id: `tab-${number}`, "aria-selected": String(number === attempt_), "aria-controls": "attempt", tabindex: number === attempt_ ? 0 : -1, onclick: () => choose(number) }, make("b", {}, String(attempt.attempt || number + 1)), ` ${attempt.teacher || "answer"} `, make("span", { class: attempt.kept ? "kept" : "dropped" }, `${attempt.kept ? SIGNS.kept : SIGNS.dropped} ${fate}`));
  });
  const bar = make("div", { role: "tablist", "aria-label": "Attempts" }, ...buttons);
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) choose((attempt_ + by + attempts.length) % attempts.length);
  });
  return bar;
}

function choose(number) {
  showAttempt(number);
  document.getElementById(`tab-${number}`).focus();
}

function attemptParts(attempt) {
  const spans = (attempt.entities || []).map((entity, number) => ({ start: entity.cot_start, end: entity.cot_end, number, label: entity.label, kind: "evidence" })).filter((span) => Number.isInteger(span.start));
  const text = attempt.cot ? make("div", { class: "cot", dir: "auto" }, ...spanned(attempt.cot, spans, "e")) : make("p", { class: "empty" }, isBare() ? "A trace, where there is one, is not passed on." : "There is no trace.");
  return [text, violationList(attempt), judgementTable(attempt), readingList(attempt), replyDetails(attempt)];
}

function violationList(attempt) {
  const items = (attempt.violations || []).map((item) => make("li", {}, make("code", {}, item.rule), ` ${item.detail || ""}`));
  return items.length ? make("div", {}, make("h2", {}, "What the rules say"), make("ul", {}, ...items)) : null;
}

function judgementTable(attempt) {
  const said = attempt.judgement;
  if (!said && attempt.score === undefined) return null;
  const scores = SUBSCORES.map((name) => [name, name === "score" ? said?.score ?? attempt.score : said?.[name]]).filter(([, value]) => value !== undefined && value !== null);
  const body = scores.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "n" }, String(value)), make("td", {}, meter(value))));
  return make("div", {}, make("h2", {}, "Judgement"), make("table", { class: "scores" }, make("tbody", {}, ...body)), said && said.reason ? make("p", { dir: "auto" }, said.reason) : null, attempt.judge ? make("p", { class: "quiet" }, `by ${attempt.judge}`) : null);
}

function meter(value) {
  const bar = make("span", { class: "meter", "aria-hidden": "true" }, make("span", {}));
  bar.firstChild.style.width = `${Math.max(0, Math.min(10, value)) * 10}%`;
  return bar;
}

function readingList(attempt) {
  const said = attempt.reading;
  if (!said) return null;
  const taken = (said.taken || []).map((item) => make("li", { dir: "auto" }, `${item.mention} `, make("span", { class: `type ${hue(item.type || "")}` }, item.type || "?"), item.because ? make("q", { class: "because" }, item.because) : null));
  const signs = [said.given ? "leans on an answer that it was given" : null, said.sound === false ? "is no reasoning about this sentence" : null].filter(Boolean);
  return make("div", {}, make("h2", {}, "What the reader took from the trace"), taken.length ? make("ul", {}, ...taken) : make("p", { class: "quiet" }, "Nothing."), signs.length ? make("p", {}, make("span", { class: "badge bad" }, `The trace ${signs.join(" and ")}`)) : null, attempt.reader ? make("p", { class: "quiet" }, `by ${attempt.reader}`) : null);
}

function replyDetails(attempt) {
  const pairs = [["Teacher", attempt.teacher], ["Ended", attempt.finish_reason], ["Tokens in, out", attempt.tokens_in || attempt.tokens_out ? `${attempt.tokens_in ?? "?"}, ${attempt.tokens_out ?? "?"}` : null], ["Request", attempt.request_key], ["Reader's request", attempt.reader_key], ["Judge's request", attempt.judge_key], ["Answer", attempt.answer]];
  return make("details", {}, make("summary", {}, "Raw reply and provenance"), definitions(pairs), attempt.reasoning ? make("div", {}, make("h2", {}, "Reasoning"), make("pre", { class: "raw", dir: "auto", tabindex: 0 }, attempt.reasoning)) : null, attempt.completion ? make("div", {}, make("h2", {}, "Reply"), make("pre", { class: "raw", dir: "auto", tabindex: 0 }, attempt.completion)) : null);
}
