// The page: a stream from the node, and what of it is shown where.
import { bytes, byId, count, dress, make, round, rows, say, span, svg, swatch, whole } from "./draw.js";
import { Charts } from "./charts.js";
import { drawRing } from "./ring.js";

const charts = new Charts();
const eventsMax = 200;
let boot = "", layout = { names: [] }, heard = 0, work = null, paused = false;
const late = new Map(); // the newest message of each kind that came while the page was paused

function pill(id, dressed, text) {
  const p = byId(id);
  p.className = `pill ${dressed}`;
  const words = p.querySelector(".text");
  if (words.textContent !== text) words.textContent = text;
}

function showStatus(s) {
  if (boot && s.boot !== boot) startAnew();
  boot = s.boot;
  document.title = `${s.warnings.length ? `(${s.warnings.length}) ` : ""}${s.node} – sessnode`;
  say("node", s.node);
  say("cluster", s.cluster || "none yet");
  say("about", `${s.address}, version ${s.version}, split policy ${s.split}, ${count(s.backups, "backup")} of each slot`);
  for (const e of document.querySelectorAll(".self")) e.textContent = s.node;
  pill("ready", s.ready ? "good" : "bad", s.ready ? "ready" : `not ready: ${s.reason}`);
  showWarnings(s.warnings);
  showNodes(s);
  showMoves(s.progress, s.draining);
}

// startAnew forgets what another run of the node told.
function startAnew() {
  charts.clear();
  work = null;
  byId("events").replaceChildren();
}

function showWarnings(warnings) {
  byId("warnings-card").classList.toggle("warn", warnings.length > 0);
  const list = byId("warnings");
  const texts = warnings.length ? warnings : ["none"];
  if (texts.join("\n") === [...list.children].map((li) => li.dataset.text).join("\n")) return;
  list.replaceChildren(...texts.map((text) => {
    const item = make("li", { class: warnings.length ? "warn" : "good" }, make("span", { class: "mark", "aria-hidden": "true" }), text);
    item.dataset.text = text;
    return item;
  }));
}

function showNodes(s) {
  const place = (name) => layout.names.indexOf(name);
  const named = (name) => make("span", {}, swatch(place(name)), name, name === s.node ? " (this)" : "");
  const living = s.members.map((m) => [
    named(m.name), health(m), bar(place(m.name), m.primary, s.slots.total), m.primary, m.backup, m.zone || "–", m.address,
  ]);
  const missing = s.missing.map((m) => [make("span", {}, swatch(-1), m.name), mark("bad", "missing" + (m.since ? ` since ${clock(m.since)}` : "")), "", 0, 0, "–", m.address]);
  rows("nodes", [...living, ...missing]);
  say("held", `${s.node} held ${count(s.held.sessions, "session")}, ${bytes(s.held.bytes)}, when they were counted last. Load is the share of slots led.`);
}

function health(m) {
  if (m.clock_off) return mark("bad", "clock off");
  if (!m.connected) return mark("bad", "not connected");
  if (m.draining) return mark("warn", "draining");
  return mark("good", "alive");
}

const mark = (dressed, text) => make("span", { class: dressed }, make("span", { class: "mark", "aria-hidden": "true" }), text);

function bar(place, part, total) {
  const share = total ? (part / total) * 100 : 0;
  return svg("svg", { class: "share-bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": `${share.toFixed(0)} % of the slots` },
    svg("rect", { width: 100, height: 10, class: "rest" }), svg("rect", { width: share, height: 10, class: dress(place) }));
}

// showMoves tells how far the node is. The pace is that of the page's own time.
function showMoves(p, draining) {
  const busy = p.left + p.restoring + p.moving > 0;
  if (!busy) work = null;
  else if (!work || p.left > work.total) work = { total: p.left, began: Date.now() };
  byId("moved").hidden = !busy;
  if (!busy) {
    say("moves", p.waiting ? `Nothing is under way; waiting: ${p.waiting}.` : draining ? "Everything is handed over." : "Nothing to move: every slot of this node is where it belongs.");
    return;
  }
  const done = work.total - p.left;
  byId("moved").max = work.total || 1;
  byId("moved").value = done;
  const rest = done > 0 ? (((Date.now() - work.began) / 1000) * p.left) / done : 0;
  const estimate = rest > 0 ? `, about ${span(rest)} to go` : p.least_seconds >= 1 ? `, at least ${span(p.least_seconds)}` : "";
  say("moves", `${count(p.restoring, "copy", "copies")} being restored, ${count(p.moving, "slot")} moving; ${count(p.left, "slot")} left, ${bytes(p.left_bytes)} on the way${estimate}${p.waiting ? `; waiting: ${p.waiting}` : ""}.`);
}

function showTop(t) {
  byId("no-top").hidden = t.sessions.length > 0;
  byId("top").hidden = t.sessions.length === 0;
  rows("top", t.sessions.slice(0, 8).map((s) => [s.session, s.app, make("span", { class: "number" }, String(s.slot)), make("span", {}, round(s.rate))]));
  for (const row of byId("top").tBodies[0].rows) for (const cell of [row.cells[2], row.cells[3]]) cell.className = "number";
}

function showLayout(l) {
  layout = l;
  drawRing(l);
}

const clock = (text) => new Date(text).toLocaleTimeString("en-GB");

const unit = { "member up": "", "member down": "", "member left": "", "clock is off": "", "clocks differ": "", "clock is right again": "", "cluster founded": "" };

function showEvent(e) {
  byId("no-events").hidden = true;
  const list = byId("events");
  const text = e.what + (e.what in unit || e.count === 1 ? "" : ` × ${whole(e.count)}`) + (e.peer ? `, ${e.peer}` : "");
  const item = make("li", { class: e.grave ? "bad" : "" }, make("time", { datetime: e.at }, clock(e.at)),
    make("span", { class: "mark", "aria-hidden": "true" }), make("span", {}, text));
  item.dataset.id = e.id;
  const old = [...list.children].find((li) => li.dataset.id === String(e.id));
  if (old) old.remove();
  list.prepend(item);
  while (list.children.length > eventsMax) list.lastChild.remove();
}

const shows = { status: showStatus, layout: showLayout, pulse: (p) => charts.add(p), top: showTop, happened: showEvent };

function take(kind, message) {
  heard = Date.now();
  if (!paused) shows[kind](message);
  else if (kind === "happened") late.set(`happened ${message.id}`, ["happened", message]);
  else if (kind !== "pulse") late.set(kind, [kind, message]);
}

function follow() {
  const stream = new EventSource("events");
  for (const kind of Object.keys(shows)) stream.addEventListener(kind, (e) => take(kind, JSON.parse(e.data)));
  stream.onerror = () => {
    tellLive();
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(follow, 5000); // refused: too many streams, perhaps
  };
}

// tellLive says how old the page is: a page that stands still must not look like a quiet cluster.
function tellLive() {
  const age = (Date.now() - heard) / 1000;
  if (paused) pill("live", "warn", "paused");
  else if (heard && age < 4) pill("live", "good", "live");
  else if (heard) pill("live", "bad", "no answer: what is shown is old");
  else pill("live", "", "connecting");
}

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  if (!paused) {
    for (const [kind, message] of late.values()) shows[kind](message);
    late.clear();
    charts.before = null;
  }
  tellLive();
});

setInterval(tellLive, 1000);
follow();
