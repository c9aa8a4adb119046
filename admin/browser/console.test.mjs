// The console in a real browser, over three real nodes of which two are killed. `make console-test` runs it.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { Cluster, until } from "./cluster.mjs";

const shots = new URL("../../bin/console/", import.meta.url).pathname;
const patience = 60_000; // of a busy machine
const cluster = new Cluster();
let browser, page;
const complaints = [], asked = [];

before(async () => {
  mkdirSync(shots, { recursive: true });
  await cluster.start(["ada", "grace", "hedy"]);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce" });
  page.setDefaultTimeout(patience);
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => asked.push(r.url()));
  const answer = await page.goto(cluster.pages[0]);
  assert.match(answer.headers()["content-security-policy"], /^default-src 'none'; script-src 'self'/);
});

after(async () => {
  await browser?.close();
  await cluster.end();
});

const text = (selector) => page.locator(selector).innerText();
const shoot = async (name) => {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: `${shots}${name}-${scheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
};
const picture = () => page.locator("#ring path").evaluateAll((all) => all.map((p) => p.getAttribute("d") + p.getAttribute("class")).join("\n"));

test("it says whose view it is, and shows nodes, slots and rates", async () => {
  await until("the page is live", patience, async () => (await text("#live")).includes("live"));
  assert.equal(await text("#node"), "ada");
  assert.match(await text("#ready"), /ready/);
  assert.equal(await page.locator("#nodes tbody tr").count(), 3);
  assert.match(await text("#nodes tbody"), /hedy.*alive.*rack-3/s);
  assert.match(await page.locator("#ring desc").textContent(), /1024 slots: 1024 at home\. ada is primary of \d+, grace/);
  assert.match(await text("#warnings"), /none/);
  await until("rates are shown", patience, async () => /[1-9].* writes/s.test(await text("#rate-now")) && /median/.test(await text("#took-now")));
  await until("busy sessions are shown", patience, async () => (await page.locator("#top tbody tr").count()) > 0);
  for (const limit of ["as ada sees it", "It never shows what a session holds"]) assert.ok((await text(".limits")).includes(limit), limit);
});

test("landmarks, headings and names for those who do not see it", async () => {
  const tree = await page.locator("body").ariaSnapshot();
  for (const part of ["- banner:", "- main:", "heading \"Warnings\" [level=2]", "region \"Slots\"", "img \"Who holds the slots\"", "log", "table"]) {
    assert.ok(tree.includes(part), `no ${part} in\n${tree}`);
  }
  const unnamed = await page.locator("svg[role=img]").evaluateAll((all) => all.filter((e) => !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")).length);
  assert.equal(unnamed, 0);
});

test("the keyboard reaches everything in the order of the page, and one sees where it is", async () => {
  const order = [];
  await page.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => {
      const e = document.activeElement;
      const outline = getComputedStyle(e);
      return `${e.getAttribute("aria-label") ?? e.textContent.trim()}${parseFloat(outline.outlineWidth) >= 2 && outline.outlineStyle !== "none" ? "" : " (no focus to be seen)"}`;
    }));
  }
  assert.deepEqual(order, ["Skip to the cluster", "Pause", "The same as a table", "Nodes", "Events, newest first", "Busiest sessions"]);
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await page.locator("summary").focus();
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#slots").isVisible());
  assert.match(await text("#slots tbody"), /hedy.*at home/s);
  await page.keyboard.press("Enter");
});

test("it stands still while it is paused", async () => {
  await page.locator("#pause").click();
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
  assert.match(await text("#live"), /paused/);
  const rate = await page.locator("#rate").innerHTML();
  await new Promise((done) => setTimeout(done, 2500));
  assert.equal(await page.locator("#rate").innerHTML(), rate);
  await page.locator("#pause").click();
  await until("it goes on", patience, async () => (await page.locator("#rate").innerHTML()) !== rate);
});

test("a death is told of, and the picture changes", async () => {
  await new Promise((done) => setTimeout(done, 8000)); // something to see in the charts
  await shoot("whole");
  const before = await picture();
  await cluster.kill(2);
  await until("the event", patience, async () => /member down, hedy/.test(await text("#events")));
  await until("slots are taken over", patience, async () => /slot promoted.*hedy/.test(await text("#events")));
  await until("the picture changes", patience, async () => (await picture()) !== before);
  await shoot("death");
  await until("hedy holds nothing", patience, async () => !/hedy is primary/.test(await page.locator("#ring desc").textContent()));
  await until("hedy is missing", patience, async () => /hedy\s+missing since/.test(await text("#nodes tbody")));
  await until("the warning", patience, async () => /hedy is missing: start again, or run 'sessnode forget NAME'/.test(await text("#warnings")));
  assert.match(await page.title(), /^\(\d\) ada/);
  assert.ok((await page.locator("#events li.bad .mark").count()) > 0, "a grave event has a mark beside its colour");
});

test("nothing of a session, nothing from elsewhere, no complaint", async () => {
  const all = (await page.content()) + (await (await fetch(`${cluster.pages[0]}/status.json`)).text());
  const ids = cluster.cookies.filter(Boolean).map((c) => c.split("=")[1]);
  assert.ok(ids.length > 0, "no visitor has a session");
  for (const id of ids) assert.ok(!all.includes(id), "a whole session id is shown");
  assert.deepEqual(asked.filter((url) => !url.startsWith(cluster.pages[0])), []);
  assert.deepEqual(complaints, []);
});

test("a narrow screen does not scroll sideways", async () => {
  await page.setViewportSize({ width: 380, height: 800 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.ok(await page.locator("#top").evaluate((table) => table.parentElement.scrollWidth <= table.parentElement.clientWidth), "rates are cut off");
  await shoot("narrow");
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("it says so when its node does not answer any more", async () => {
  await cluster.kill(0);
  await until("the page says it is old", patience, async () => /no answer: what is shown is old/.test(await text("#live")));
});
