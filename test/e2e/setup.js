import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

// start runs a command that prints, as one line of JSON, where its parts are
// ("lanyard", "provider", "customer": origins), and then runs until interrupted.
// Any such command will do: the pages alone now, a whole server for journeys.
function start(command, args, cwd) {
  const child = spawn(command, args, { cwd, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => new Promise((done) => {
    if (child.exitCode !== null) return done();
    child.once("exit", done);
    process.kill(-child.pid, "SIGINT");
    setTimeout(() => { try { process.kill(-child.pid, "SIGKILL"); } catch { /* it has gone */ } }, 5_000).unref();
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code} before it said where it is`)));
    readline.createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) resolve({ at: JSON.parse(line), stop });
    });
  });
}

const go = (...args) => promisify(execFile)("go", args, { cwd: repository });

// Playwright calls this once before all tests; what it returns, once after.
export default async function setup() {
  const room = path.join(repository, "internal/connectpage");
  const dir = mkdtempSync(path.join(tmpdir(), "lanyard-e2e-"));
  const clear = () => rmSync(dir, { recursive: true, force: true });
  try {
    let pages;
    if (!process.env.LANYARD_E2E_BINARY) { // product.js starts it, for each worker
      process.env.LANYARD_E2E_BINARY = path.join(dir, "lanyard");
      await go("build", "-o", process.env.LANYARD_E2E_BINARY, "./cmd/lanyard");
    }
    if (process.env.LANYARD_E2E_PAGES) {
      pages = await start("sh", ["-c", process.env.LANYARD_E2E_PAGES], room);
    } else {
      const served = path.join(dir, "pages");
      await go("test", "-c", "-o", served, "./internal/connectpage");
      pages = await start(served, ["-test.run", "^TestServe$", "-test.timeout", "0", "-serve"], room);
    }
    process.env.LANYARD_E2E_AT = JSON.stringify({ pages: pages.at });
    return async () => {
      await pages.stop();
      clear();
    };
  } catch (e) {
    clear();
    throw e;
  }
}
