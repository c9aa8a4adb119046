// Rates and times from what the node has counted since its start: two looks tell what lay between.
import { byId, make, round, svg } from "./draw.js";

const seconds = 120; // shown
const width = 300, top = 8, bottom = 80;

export class Charts {
  constructor() { this.clear(); }

  clear() {
    this.before = null;
    this.points = [];
  }

  add(pulse) {
    const b = this.before;
    if (b && pulse.seconds <= b.seconds) return;
    this.before = pulse;
    if (!b) return;
    const passed = pulse.seconds - b.seconds;
    const took = difference(pulse.took, b.took);
    this.points.push({
      at: pulse.seconds, reads: (pulse.reads - b.reads) / passed, writes: (pulse.writes - b.writes) / passed,
      retried: (pulse.retried - b.retried) / passed, median: quantile(took, 0.5), worst: quantile(took, 0.99),
    });
    while (this.points[0].at < pulse.seconds - seconds) this.points.shift();
    this.draw();
  }

  draw() {
    const now = this.points.at(-1);
    chart("rate", this.points, [["reads", "first"], ["writes", "second"]],
      `Requests a second: ${round(now.reads)} reads, ${round(now.writes)} writes`);
    chart("took", this.points, [["median", "first"], ["worst", "second"]], now.median === null ? "Time to answer: no requests now"
      : `Time to answer: ${round(now.median)} ms at the median, ${round(now.worst)} ms at the 99th percentile`);
    const retried = now.retried > 0 ? [make("span", { class: "key" }, `${round(now.retried)} to be tried again`)] : [];
    byId("rate-now").replaceChildren(key("first", `${round(now.reads)} reads`), key("second", `${round(now.writes)} writes`), ...retried);
    byId("took-now").replaceChildren(...(now.median === null ? [make("span", { class: "key" }, "no requests now")]
      : [key("first", `${round(now.median)} median`), key("second", `${round(now.worst)} of 99 %`)]));
  }
}

const key = (dressed, text) => make("span", { class: "key" },
  svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, svg("path", { d: "M0 4 H22", class: dressed })), text);

// difference is how many answers took how long between two looks: pairs of milliseconds and a number, ascending.
function difference(now, before) {
  const old = new Map(before);
  return now.map(([us, n]) => [us / 1000, n - (old.get(us) ?? 0)]).filter(([, n]) => n > 0);
}

function quantile(pairs, share) {
  let left = pairs.reduce((sum, [, n]) => sum + n, 0) * share;
  for (const [ms, n] of pairs) {
    left -= n;
    if (left <= 0) return ms;
  }
  return null;
}

function chart(id, points, lines, text) {
  const picture = byId(id);
  const newest = points.at(-1).at;
  const most = ceiling(Math.max(...points.flatMap((p) => lines.map(([name]) => p[name] ?? 0)), 0));
  const x = (p) => width - ((newest - p.at) / seconds) * width;
  const y = (v) => bottom - (v / most) * (bottom - top);
  const path = (name) => {
    let d = "", pen = "M";
    for (const p of points) {
      if (p[name] === null) { pen = "M"; continue; }
      d += `${pen}${x(p).toFixed(1)} ${y(p[name]).toFixed(1)} `;
      pen = "L";
    }
    return d || "M0 0";
  };
  picture.setAttribute("aria-label", `${text}; the scale ends at ${round(most)}`);
  picture.replaceChildren(
    svg("line", { x1: 0, x2: width, y1: bottom, y2: bottom, class: "axis" }), svg("line", { x1: 0, x2: width, y1: top, y2: top, class: "axis" }),
    svg("text", { x: 0, y: top + 11 }, round(most)), svg("text", { x: 0, y: 93 }, "2 min ago"), svg("text", { x: width, y: 93, "text-anchor": "end" }, "now"),
    ...lines.map(([name, dressed]) => svg("path", { d: path(name), class: dressed })));
}

// ceiling is the next of 1, 2, 5, 10, 20, … that holds a value.
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 0.1)));
  return [1, 2, 5, 10].map((m) => m * power).find((m) => m >= value * 0.999) ?? 1;
}
