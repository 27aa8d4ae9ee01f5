// Elements, and text with spans on it.  A row is untrusted: everything of it becomes a text node or an attribute that
// runs nothing.
function make(tag, options, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Offsets are in code points, JavaScript's in UTF-16 units: the same but for characters beyond U+FFFF.
function unitsOf(text) {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return (point) => point;
  const units = [0];
  for (const character of text) units.push(units[units.length - 1] + character.length);
  return (point) => units[Math.max(0, Math.min(point, units.length - 1))];
}

// Cuts a text where spans begin and end: pieces with the spans that cover them, whatever way these nest or cross.
function pieces(text, spans) {
  const at = unitsOf(text);
  const placed = spans
    .map((span) => ({ ...span, from: at(span.start), to: at(span.end) }))
    .filter((span) => span.from < span.to && span.to <= text.length);
  const cuts = [...new Set([0, text.length, ...placed.flatMap((span) => [span.from, span.to])])].sort((a, b) => a - b);
  const starts = Map.groupBy ? Map.groupBy(placed, (span) => span.from) : group(placed, (span) => span.from);
  let active = [];
  const found = [];
  for (let number = 0; number + 1 < cuts.length; number++) {
    const from = cuts[number];
    active = [...active.filter((span) => span.to > from), ...(starts.get(from) || [])];
    found.push({ text: text.slice(from, cuts[number + 1]), to: cuts[number + 1], spans: active });
  }
  return found;
}

function group(items, key) {
  const found = new Map();
  for (const item of items) found.set(key(item), [...(found.get(key(item)) || []), item]);
  return found;
}

// A type's colour: the same name has the same one of eight, in every row; the name always stands beside it.
function hue(label) {
  let sum = 7;
  for (let place = 0; place < Math.min(label.length, 64); place++) sum = (sum * 31 + label.charCodeAt(place)) % 100003;
  return `hue-${sum % 8}`;
}

// The passages that the search found, painted over the text without changing it.
function paint(element, terms) {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("found");
  if (!terms.length) return;
  const ranges = [];
  for (const part of element) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < 2000) {
      const low = walker.currentNode.data.toLowerCase();
      if (low.length !== walker.currentNode.length) continue;
      for (const term of terms) {
        for (let at = low.indexOf(term); at >= 0 && ranges.length < 2000; at = low.indexOf(term, at + term.length)) {
          const range = new Range();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + term.length);
          ranges.push(range);
        }
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
}

const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
