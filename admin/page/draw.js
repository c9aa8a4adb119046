// Elements are made by name and filled with text, never with markup.

const svgSpace = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const make = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(svgSpace, name), attributes, children);

export function say(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

// rows replaces the body of a table. Cells are texts, numbers or elements; the first heads its row.
export function rows(id, all) {
  byId(id).tBodies[0].replaceChildren(...all.map((cells) => make("tr", {}, ...cells.map((cell, i) => {
    const attributes = i === 0 ? { scope: "row" } : typeof cell === "number" ? { class: "number" } : {};
    return make(i === 0 ? "th" : "td", attributes, typeof cell === "number" ? whole(cell) : cell);
  }))));
}

export const whole = (n) => Math.round(n).toLocaleString("en");

export function round(n) {
  if (n === 0) return "0";
  if (n < 10) return n.toLocaleString("en", { maximumSignificantDigits: 2 });
  return whole(n);
}

export function bytes(n) {
  if (n < 10e3) return `${whole(n)} bytes`;
  if (n < 10e6) return `${whole(n / 1e3)} kB`;
  return `${whole(n / 1e6)} MB`;
}

export const count = (n, one, many = one + "s") => `${whole(n)} ${n === 1 ? one : many}`;

export function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

// dress is the class of the member at a place in the list of names.
export const dress = (place) => (place < 0 ? "nobody" : `n${place % 8}`);

export const swatch = (place) => svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" },
  svg("rect", { width: 10, height: 10, rx: 2, class: dress(place) }));
