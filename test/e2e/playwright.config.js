import { defineConfig } from "@playwright/test";

// Lanyard's pages in a real browser. Run: npm ci && npm test
//   CHROMIUM           the browser; /usr/bin/chromium unless said
//   LANYARD_E2E_BINARY the lanyard whose demo is tried; built from the repository unless said
//   LANYARD_E2E_PAGES  command that serves the pages, see setup.js; built from the repository unless said
export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.js",
  globalSetup: "./setup.js",
  outputDir: "../../test-results",
  fullyParallel: true,
  workers: 2,
  timeout: 60_000, // a busy machine needs it
  expect: { timeout: 10_000 },
  forbidOnly: !!process.env.CI,
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
      ],
    },
  },
});
