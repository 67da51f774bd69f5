import { test, expect, login, consent, continueToZoom, connect, said } from "./product.js";

// T01, T02: what docs/threats.md says about somebody else's browser and about an
// answer that comes twice, tried with browsers against the real thing.

test.describe("T01", () => {
  // nothingLanded expects that the account landed nowhere and that no code was traded.
  async function nothingLanded(lanyard, page, before) {
    expect(await lanyard.connections()).toEqual([]);
    expect(await lanyard.ledger(`after=${before}&event=used&kind=code`)).toEqual([]);
    expect(await lanyard.ledger(`after=${before}&event=issued&kind=access`)).toEqual([]);
    await page.goto(lanyard.product + "/");
    await expect(page.getByRole("heading", { name: "Nothing is connected yet" })).toBeVisible();
  }
  const seq = async (lanyard) => (await lanyard.ledger("")).at(-1).seq;

  for (const victimIs of ["Ben", "nobody"]) {
    const victimLogsIn = async (victim, lanyard) => { if (victimIs === "Ben") await login(victim, lanyard, "Ben"); };

    test(`the attacker sends the provider's address; the victim is ${victimIs} at the product`, async ({ page: attacker, browser, lanyard }) => {
      const before = await seq(lanyard);
      await login(attacker, lanyard, "Dana");
      await attacker.getByRole("button", { name: "Connect Zoom", exact: true }).click();
      await continueToZoom(attacker);
      const stolen = attacker.url();
      const context = await browser.newContext();
      const victim = await context.newPage();
      await victimLogsIn(victim, lanyard);
      await victim.goto(stolen);
      await consent(victim, "Ben Okafor");
      await expect(victim.getByRole("heading", { level: 1 })).toHaveText("Not the browser that started");
      expect(victim.url()).not.toContain("code=");
      // The attacker, who has the cookie, has no answer to go with it.
      await nothingLanded(lanyard, attacker, before);
      await context.close();
    });

    test(`the attacker sends our link; the victim is ${victimIs} at the product`, async ({ page: attacker, browser, lanyard }) => {
      const before = await seq(lanyard);
      const session = await lanyard.invite("user-dana"); // what Dana's own Connect would lead to
      const context = await browser.newContext();
      const victim = await context.newPage();
      await victimLogsIn(victim, lanyard);
      let completion = "";
      victim.on("request", (r) => { completion ||= new URL(r.url()).searchParams.get("lanyard_completion") ?? ""; });
      await victim.goto(session.connect_url);
      await continueToZoom(victim);
      await consent(victim, "Ben Okafor");
      await expect(said(victim)).toHaveText(victimIs === "Ben" ? /Not the end user|not the one who was invited/ : /Nobody is logged in here, so nothing was connected/);
      expect(completion).toMatch(/^cmp_/);
      // Ben's own try has destroyed the code, so the completion is worth nothing to Dana even if it leaks.
      if (victimIs === "Ben") {
        const late = await lanyard.call("POST", "/v1/connections", { completion, end_user_id: "user-dana" });
        expect(late.body.code).toBe("completion_invalid");
      }
      await login(attacker, lanyard, "Dana");
      await nothingLanded(lanyard, attacker, before);
      await context.close();
    });
  }
});

test("T02: the callback's address a second time does nothing", async ({ page, lanyard }) => {
  let callback = "";
  page.on("request", (r) => { if (r.url().includes("/oauth/callback/")) callback ||= r.url(); });
  await connect(page, lanyard, "Dana", "Dana Lindqvist");
  expect(callback).toContain("code=");
  const before = await lanyard.connections();
  const traded = await lanyard.ledger("event=used&kind=code");
  await page.goto(callback);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This attempt is over");
  expect(page.url()).not.toContain("code=");
  expect(await lanyard.connections()).toEqual(before);
  expect(await lanyard.ledger("event=used&kind=code")).toEqual(traded);
  expect(await lanyard.ledger("event=reuse_detected&kind=code")).toEqual([]);
});

test("T02: an answer made up by somebody else", async ({ page, lanyard }) => {
  await login(page, lanyard, "Dana");
  await page.getByRole("button", { name: "Connect Zoom", exact: true }).click();
  await continueToZoom(page);
  const asked = new URL(page.url()).searchParams;
  const before = (await lanyard.ledger("")).at(-1).seq;
  // A code of the attacker's with a state that nobody was given.
  await page.goto(`${asked.get("redirect_uri")}?code=sbx_code_of_another&state=${"A".repeat(43)}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This attempt is over");
  expect(await lanyard.connections()).toEqual([]);
  expect((await lanyard.ledger(`after=${before}`)).filter((e) => ["used", "refused", "issued"].includes(e.event))).toEqual([]);
});

test("another site cannot press the product's buttons", async ({ page, lanyard }) => {
  await connect(page, lanyard, "Ana", "Ana Torres");
  const [c] = await lanyard.connections("user-ana");
  await page.goto(lanyard.lanyard + "/docs"); // another site; its policy would stop a form, so the request is made by hand
  const r = await page.request.post(lanyard.product + "/disconnect", { form: { connection: c.id }, headers: { origin: lanyard.lanyard, "sec-fetch-site": "cross-site" } });
  expect(r.status()).toBe(403);
  expect(await lanyard.connections("user-ana")).toHaveLength(1);
});
