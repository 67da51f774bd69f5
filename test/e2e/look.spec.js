import { test, expect, login, connect, continueToZoom, said } from "./product.js";
import { accessible, fits } from "./fixtures.js";

// Every page of the demo: accessible in both colour schemes, and never wider than the window.
const providers = { zoom: "/zoom/oauth/authorize", google: "/google/o/oauth2/v2/auth", microsoft: "/microsoft/common/oauth2/v2.0/authorize",
  slack: "/slack/oauth/v2/authorize", oidc: "/oidc/authorize" };
const scopes = { zoom: "user:read:user user:read:token", google: "openid email https://www.googleapis.com/auth/calendar.readonly",
  microsoft: "openid offline_access User.Read", slack: "chat:write", oidc: "openid email offline_access" };

async function good(page, widths = [320, 375, 768, 1440]) {
  await expect(page.locator("h1")).toHaveCount(1);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    await fits(page);
  }
  await page.setViewportSize({ width: 375, height: 812 });
  await accessible(page);
}

for (const colorScheme of ["light", "dark"]) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("the product, empty and full", async ({ page, lanyard }) => {
      await page.goto(lanyard.product + "/");
      await good(page);
      await login(page, lanyard, "Ana");
      await good(page);
      await page.goto(lanyard.product + "/connected?lanyard_error=consent_denied");
      await expect(said(page)).toContainText("You said no");
      await good(page);
      await page.getByRole("button", { name: "Log out" }).click();
      await connect(page, lanyard, "Ana", "Ana Torres");
      await good(page);
      await page.getByLabel("Zoom link or meeting number").fill("85012345678");
      await page.getByRole("button", { name: "Send" }).click();
      await expect(said(page)).toContainText("did not let the bot in");
      await good(page);
      await lanyard.revoke("ana");
      await lanyard.renew((await lanyard.connections("user-ana"))[0]);
      await page.reload();
      await expect(page.getByText("Connect again", { exact: true }).first()).toBeVisible();
      await good(page);
      await page.getByRole("button", { name: "Connect again" }).click();
      await expect(page.getByRole("button", { name: "Continue to Zoom" })).toBeVisible();
      await good(page);
      await continueToZoom(page);
      await good(page);
    });

    test("the sandbox", async ({ page, lanyard }) => {
      const { body: m } = await lanyard.call("POST", lanyard.sandbox + "/admin/meetings", { host: "ben", topic: "A long name for a meeting that goes on and on" });
      for (const path of ["/", `/zoom/meetings/${m.number}`, "/zoom/meetings/1", "/zoom/oauth/authorize?client_id=unknown&response_type=code&redirect_uri=https://app.example/"]) {
        await page.goto(lanyard.sandbox + path);
        await good(page);
      }
      await lanyard.call("POST", `${lanyard.sandbox}/admin/meetings/${m.number}/present`, { person: "ana" });
      await page.goto(`${lanyard.sandbox}/zoom/meetings/${m.number}`);
      await good(page);
    });

    test("the sandbox's consent pages", async ({ page, lanyard }) => {
      for (const [provider, path] of Object.entries(providers)) {
        const { body: c } = await lanyard.call("POST", lanyard.sandbox + "/admin/clients", { provider, name: "Harbour Notes", redirect_uris: ["https://app.example/cb"] });
        await page.goto(`${lanyard.sandbox}${path}?` + new URLSearchParams({ client_id: c.client_id, redirect_uri: "https://app.example/cb",
          response_type: "code", scope: scopes[provider], state: "x", nonce: "n", code_challenge: "a".repeat(43), code_challenge_method: "S256" }));
        await expect(page.getByRole("button", { name: "Allow" })).toBeVisible();
        await good(page, [320, 1440]);
      }
    });

    test("the documentation", async ({ page, lanyard }) => {
      for (const path of ["/docs", "/docs/errors"]) {
        await page.goto(lanyard.lanyard + path);
        for (const width of [320, 375, 768, 1440]) {
          await page.setViewportSize({ width, height: 800 });
          await fits(page);
        }
        // One template makes all of a page's hundred cards; axe takes seconds for each ten.
        await page.evaluate(() => [...document.querySelectorAll("main .card")].slice(12, -2).forEach((card) => {
          document.querySelectorAll(`[href="#${card.id}"]`).forEach((a) => { a.href = "#"; });
          card.remove();
        }));
        await good(page, []);
      }
    });
  });
}
