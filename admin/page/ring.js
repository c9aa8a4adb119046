// The ring: one wedge for each run of slots that have the same home, primary, backup and state.
import { byId, count, dress, make, rows, say, svg, whole } from "./draw.js";

const middle = 280, nameMax = 12;
const bands = { home: [222, 234], primary: [164, 218], backup: [132, 160], state: [116, 126] };
const sound = new Set(["home", "away"]);
const inWords = {
  unclaimed: "unclaimed", dead: "without a living primary", sole: "with a single copy", short: "short of a copy",
  moving: "moving", away: "away from home", home: "at home",
};

export function drawRing(layout) {
  const runs = runsOf(layout);
  const total = layout.primary.length;
  const picture = byId("ring");
  const beside = 12 + 10 * Math.max(...layout.names.map((n) => Math.min(n.length, nameMax)), 0) - (middle - bands.home[1]);
  picture.setAttribute("viewBox", `${-beside} 22 ${2 * (middle + beside)} 516`);
  const keep = [byId("ring-name"), byId("ring-text")];
  picture.replaceChildren(...keep, pattern(), ...wedges(layout, runs, total), ...labels(layout, runs, total), ...centre(layout, total));
  say("ring-text", inText(layout, total));
  rows("slots", runs.map((r) => [
    nameOf(layout, r.home), nameOf(layout, r.primary), nameOf(layout, r.backup), inWords[r.state], r.slots,
  ]));
  byId("states").replaceChildren(...tally(layout).map(([state, n]) => make("li", {}, stateSwatch(state), `${whole(n)} ${inWords[state]}`)));
}

const nameOf = (layout, place) => (place < 0 ? "nobody" : layout.names[place]);

// runsOf groups slots that look alike, in the order of their home, those that are elsewhere last.
function runsOf(layout) {
  const runs = new Map();
  for (let slot = 0; slot < layout.primary.length; slot++) {
    const home = layout.home[slot][0] ?? -1;
    const run = { home, primary: layout.primary[slot], backup: layout.backups[slot][0] ?? -1, state: layout.states[layout.state[slot]], slots: 0 };
    const key = [run.home, run.primary, run.backup, run.state].join();
    if (!runs.has(key)) runs.set(key, run);
    runs.get(key).slots++;
  }
  const elsewhere = (r) => (r.primary === r.home ? 0 : 1);
  return [...runs.values()].sort((a, b) => a.home - b.home || elsewhere(a) - elsewhere(b) || a.primary - b.primary || a.backup - b.backup
    || a.state.localeCompare(b.state));
}

function tally(layout) {
  const counts = layout.states.map((s) => [s, 0]);
  for (const s of layout.state) counts[s][1]++;
  return counts.filter(([, n]) => n > 0).reverse();
}

function inText(layout, total) {
  const led = layout.names.map((name, i) => `${name} is primary of ${layout.primary.filter((p) => p === i).length}`);
  const states = tally(layout).map(([state, n]) => `${n} ${inWords[state]}`);
  return `${total} slots: ${states.join(", ")}. ${led.join(", ")}.`;
}

const pattern = () => svg("defs", {}, svg("pattern", { id: "hatch", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
  svg("line", { x1: 0, y1: 0, x2: 0, y2: 8, class: "hatch-line" })));

function wedges(layout, runs, total) {
  const all = [];
  const draw = (band, key, dressOf) => {
    let from = 0, start = 0, last = null;
    const flush = (end) => { if (last !== null && dressOf(last)) all.push(wedge(bands[band], start / total, end / total, dressOf(last))); };
    for (const r of runs) {
      const k = key(r);
      if (last !== null && key(last) !== k) { flush(from); start = from; }
      last = r;
      from += r.slots;
    }
    flush(from);
  };
  draw("home", (r) => r.home, (r) => dress(r.home) + " edge");
  draw("primary", (r) => `${r.home},${r.primary}`, (r) => dress(r.primary) + " edge");
  draw("primary", (r) => `${r.home},${r.primary !== r.home}`, (r) => (r.primary !== r.home && r.primary >= 0 ? "hatch" : ""));
  draw("backup", (r) => `${r.home},${r.primary},${r.backup}`, (r) => dress(r.backup) + " edge");
  draw("state", (r) => `${r.home},${r.primary},${r.backup},${r.state}`, (r) => (sound.has(r.state) ? "" : `state-${r.state}`));
  return all;
}

function point(radius, turn) {
  const angle = (turn - 0.25) * 2 * Math.PI;
  return `${(middle + radius * Math.cos(angle)).toFixed(2)} ${(middle + radius * Math.sin(angle)).toFixed(2)}`;
}

function wedge([inner, outer], from, to, dressed) {
  if (to - from > 0.9999) {
    const circle = (r) => `M ${point(r, 0)} A ${r} ${r} 0 1 1 ${point(r, 0.5)} A ${r} ${r} 0 1 1 ${point(r, 1)} Z`;
    return svg("path", { d: circle(outer) + circle(inner), class: dressed, "fill-rule": "evenodd" });
  }
  const large = to - from > 0.5 ? 1 : 0;
  const d = `M ${point(outer, from)} A ${outer} ${outer} 0 ${large} 1 ${point(outer, to)} L ${point(inner, to)} A ${inner} ${inner} 0 ${large} 0 ${point(inner, from)} Z`;
  return svg("path", { d, class: dressed });
}

// labels name the homes that have room for it.
function labels(layout, runs, total) {
  const all = [];
  let from = 0;
  for (let place = -1; place < layout.names.length; place++) {
    const slots = runs.filter((r) => r.home === place).reduce((sum, r) => sum + r.slots, 0);
    if (slots / total > 0.03 && place >= 0) {
      const [x, y] = point(246, (from + slots / 2) / total).split(" ").map(Number);
      const side = x < middle - 60 ? "end" : x > middle + 60 ? "start" : "middle";
      const name = layout.names[place];
      all.push(svg("text", { x, y, class: side }, name.length > nameMax ? name.slice(0, nameMax - 1) + "…" : name));
    }
    from += slots;
  }
  return all;
}

function centre(layout, total) {
  const wrong = tally(layout).filter(([state]) => !sound.has(state)).reduce((sum, [, n]) => sum + n, 0);
  return [
    svg("text", { x: middle, y: middle - 14, class: "total" }, whole(total)),
    svg("text", { x: middle, y: middle + 24, class: "note" }, "slots"),
    svg("text", { x: middle, y: middle + 50, class: "note" }, wrong === 0 ? "all copies are there" : `${count(wrong, "slot")} not whole`),
  ];
}

const stateSwatch = (state) => {
  const box = svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" });
  if (state === "home") box.append(svg("path", { d: "M1 5 L4 8 L9 2", fill: "none", stroke: "currentColor", "stroke-width": 1.6 }));
  else if (state === "away") box.append(svg("path", { d: "M1 9 L9 1 M-1 5 L5 -1 M5 11 L11 5", fill: "none", stroke: "currentColor", "stroke-width": 1.4 }));
  else box.append(svg("path", { d: state === "moving" ? "M0 5 A5 5 0 1 1 10 5 A5 5 0 1 1 0 5" : "M5 0 L10 9 L0 9 Z", class: `state-${state}` }));
  return box;
};
