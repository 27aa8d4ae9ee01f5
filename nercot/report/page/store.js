"use strict";
// The rows: an index of all of them, and blocks of rows that are opened when one of theirs is needed.
const about = JSON.parse(document.getElementById("about").textContent);
const OPENED = 16;
const index = {};
const opened = new Map();
const texts = [];
let blocks = 0;

async function inflate(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`${id} is missing: this page is cut, save it again`);
  const packed = atob(element.textContent);
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place++) bytes[place] = packed.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const text = await new Response(stream).text();
  if (text.length !== Number(element.dataset.bytes)) throw new Error(`${id} is damaged: save this page again`);
  return JSON.parse(text);
}

async function openIndex() {
  Object.assign(index, await inflate("index"));
  blocks = about.rows ? index.block[about.rows - 1] + 1 : 0;
}

function block(number) {
  let found = opened.get(number);
  opened.delete(number);
  if (!found) found = inflate(`block-${number}`);
  opened.set(number, found);
  if (opened.size > OPENED) opened.delete(opened.keys().next().value);
  return found;
}

async function rowAt(place) {
  return (await block(index.block[place]))[index.at[place]];
}

// What is searched: everything that a reader of the row can see, in lower case.
function textOf(row) {
  const parts = [row.guid, row.sentence || row.input || "", row.source_id || ""];
  for (const attempt of row.attempts || []) {
    parts.push(attempt.cot || attempt.completion || "", attempt.reasoning && attempt.reasoning !== attempt.cot ? attempt.reasoning : "");
    for (const entity of attempt.entities || []) parts.push(entity.text || "", entity.label);
  }
  return parts.join("\n").toLowerCase();
}

// Opens every block once, so that the search has the text of all rows; tells how far it is.
let reading = null;
function readTexts(told) {
  reading = reading || (async () => {
    for (let number = 0; number < blocks; number++) {
      for (const row of await inflate(`block-${number}`)) texts.push(textOf(row));
      for (const tell of readTexts.listeners) tell(number + 1, blocks);
    }
  })();
  readTexts.listeners.add(told);
  return reading.finally(() => readTexts.listeners.delete(told));
}
readTexts.listeners = new Set();
