// Three real nodes, and a shop whose visitors keep them busy.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

// A session lies where its random name puts it. With this many, each node has some but for one run in ten thousand million; with
// six it was one run in eleven that the node looked at had none, and truly no rates to show.
const visitors = 60;

const binary = new URL("../../bin/sessnode", import.meta.url).pathname;

async function freePorts(n) {
  const servers = [];
  for (let i = 0; i < n; i++) {
    servers.push(createServer().listen(0, "127.0.0.1"));
    await once(servers[i], "listening");
  }
  const ports = servers.map((s) => s.address().port);
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  return ports;
}

export async function until(what, within, test) {
  const end = Date.now() + within;
  for (;;) {
    const got = await test();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not within ${within / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export class Cluster {
  processes = [];
  cookies = [];
  asking = true;

  async start(names) {
    const ports = await freePorts(2 * names.length + 1);
    this.addresses = names.map((_, i) => `127.0.0.1:${ports[i]}`);
    this.pages = names.map((_, i) => `http://127.0.0.1:${ports[names.length + i]}`);
    for (const [i, name] of names.entries()) {
      this.run("serve", "-name", name, "-zone", `rack-${i + 1}`, "-bind", this.addresses[i], "-join", this.addresses.join(), "-expect", String(names.length),
        "-admin", this.pages[i].slice("http://".length), "-state-dir", "none", "-settle", "2s");
    }
    for (const page of this.pages) await until(`${page} ready`, 60_000, async () => (await ask(`${page}/readyz`))?.ok);
    await until("every copy is there", 60_000, async () => {
      const s = (await (await ask(`${this.pages[0]}/status.json`)).json()).status;
      return s.members.length === names.length && s.slots.home === s.slots.total;
    });
    this.shop = `http://127.0.0.1:${ports.at(-1)}`;
    this.run("shop", "-bind", this.shop.slice("http://".length), "-node", this.addresses.join());
    await until("the shop is open", 30_000, () => ask(this.shop));
    this.visits = Array.from({ length: visitors }, (_, i) => this.visit(i));
  }

  run(...args) {
    const p = spawn(binary, args, { stdio: ["ignore", "ignore", "pipe"] });
    p.log = "";
    p.stderr.on("data", (text) => { p.log = (p.log + text).slice(-20_000); });
    this.processes.push(p);
  }

  // visit puts pieces into a cart of its own, one after another; the first visitors are the busier.
  async visit(i) {
    while (this.asking) {
      const answer = await ask(`${this.shop}/api/cart/apple`, { method: "POST", headers: this.cookies[i] ? { cookie: this.cookies[i] } : {} });
      const cookie = answer?.headers.getSetCookie()[0]?.split(";")[0];
      if (cookie) this.cookies[i] = cookie;
      await answer?.text();
      await new Promise((done) => setTimeout(done, 20 * (i + 1)));
    }
  }

  async kill(i) {
    const p = this.processes[i];
    p.kill("SIGKILL");
    if (p.exitCode === null && p.signalCode === null) await once(p, "exit");
  }

  async end() {
    this.asking = false;
    for (const i of this.processes.keys()) await this.kill(i);
    await Promise.all(this.visits ?? []);
  }
}

const ask = (url, options) => fetch(url, { signal: AbortSignal.timeout(10_000), ...options }).catch(() => null);
