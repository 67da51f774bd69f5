import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test as base, expect } from "./fixtures.js";

// The real thing: `lanyard demo`, which is a server, pretend providers and a
// pretend product. Each worker has its own, and each test finds it empty: one
// person at Zoom has one grant, so tests side by side would end each other's.
export const test = base.extend({
  demo: [async ({}, use) => {
    const child = spawn(process.env.LANYARD_E2E_BINARY, ["demo", "--port", "0", "--json", "--time-scale", "100"], { stdio: ["ignore", "pipe", "inherit"] });
    const at = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`lanyard demo ended with ${code} before it was ready`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const step = JSON.parse(line);
        if (step.at) resolve(step.at);
      });
    });
    await use(at);
    const gone = new Promise((done) => { child.once("exit", done); });
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(hard);
  }, { scope: "worker" }],

  lanyard: async ({ demo }, use) => {
    const lanyard = new Lanyard(demo);
    await lanyard.empty();
    await use(lanyard);
  },

  // Besides what fails any page: nothing at all is said on the console, but that
  // a page was answered with an error, which is what the test is about then.
  context: async ({ context }, use) => {
    const said = [];
    context.on("console", (m) => {
      if (["error", "warning"].includes(m.type()) && !/^Failed to load resource: the server responded with a status of 4/.test(m.text())) said.push(m.text());
    });
    await use(context);
    expect(said, "said on the console").toEqual([]);
  },
});

// Lanyard is what the customer's backend and whoever runs the demo can do.
class Lanyard {
  constructor(at) { Object.assign(this, at); }

  async call(method, path, body) {
    const r = await fetch((path.startsWith("/") ? this.lanyard : "") + path, {
      method, headers: { "content-type": "application/json", ...(path.startsWith("/") ? { authorization: `Bearer ${this.key}` } : {}) },
      body: body && JSON.stringify(body),
    });
    const text = await r.text();
    return { status: r.status, body: text ? JSON.parse(text) : null };
  }

  // connections that are alive, of one user or of all.
  async connections(user) {
    const { body } = await this.call("GET", "/v1/connections?limit=100" + (user ? `&end_user_id=${user}` : ""));
    return body.data.filter((c) => c.status !== "revoked");
  }

  async empty() {
    for (const c of await this.connections()) await this.call("DELETE", `/v1/connections/${c.id}`);
  }

  async invite(user) {
    const { status, body } = await this.call("POST", "/v1/connect-sessions",
      { provider: "zoom", end_user: { id: user }, return_url: this.product + "/connected" });
    expect(status).toBe(201);
    return body;
  }

  async ledger(query) {
    return (await this.call("GET", `${this.sandbox}/admin/ledger?limit=100000&${query}`)).body.data;
  }

  // revoke takes the product's app out of the person's account at Zoom.
  async revoke(person) {
    expect((await this.call("POST", `${this.sandbox}/admin/revoke`, { provider: "zoom", person })).body).toEqual({ revoked: 1 });
  }

  // renew has Lanyard find out. A renewal does not follow another within half a
  // minute, which is 0.3 s as the demo is started here.
  async renew(connection) {
    await new Promise((done) => setTimeout(done, 350));
    const { body } = await this.call("POST", `/v1/connections/${connection.id}/token`, {});
    return this.call("POST", `/v1/connections/${connection.id}/refresh`, { fingerprint: body.fingerprint });
  }
}

// What people do, on whatever page they are.

export async function login(page, lanyard, name) {
  await page.goto(lanyard.product + "/");
  await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`Hello ${name}`);
}

export const continueToZoom = (page) => page.getByRole("button", { name: "Continue to Zoom" }).click();

export async function consent(page, person, decision = "Allow") {
  await page.getByRole("radio", { name: new RegExp(person) }).check();
  await page.getByRole("button", { name: decision, exact: true }).click();
}

export async function connect(page, lanyard, name, person) {
  await login(page, lanyard, name);
  await page.getByRole("button", { name: "Connect Zoom", exact: true }).click();
  await continueToZoom(page);
  await consent(page, person);
  await expect(page.getByRole("status").first()).toContainText(`Connected: ${person}`);
}

export const said = (page) => page.getByRole("status").first();

// trail records every address that a page has shown.
export function trail(page) {
  const seen = [];
  page.on("framenavigated", (f) => { if (f === page.mainFrame()) seen.push(f.url()); });
  return seen;
}

export { expect };
