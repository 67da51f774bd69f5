import { test, expect } from "./fixtures.js";

// The whole trip with and without script: there is no difference to see.
for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("continue, allow, back at the customer's", async ({ page, at, context }) => {
      await page.goto(at.lanyard + "/connect/zoom");
      await page.getByRole("button", { name: "Continue to Zoom" }).click();
      await expect(page).toHaveURL(new RegExp(`^${at.provider}/authorize`));
      const flow = (await context.cookies(at.lanyard)).find((c) => c.name.startsWith("lanyard_flow_"));
      expect(flow).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", secure: false });
      await page.locator("#allow").click();
      await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=cmp_`));
      expect((await context.cookies(at.lanyard)).filter((c) => c.name.startsWith("lanyard_flow_"))).toEqual([]);
    });

    // Chromium applies form-action to every redirect after the form's POST. With
    // 'self' and the provider in it, a person who had allowed before came from
    // Continue to the customer's page in one go, and was stopped on the way.
    test("all redirects in one go", async ({ page, at, context }) => {
      await context.addCookies([{ name: "auto", value: "1", url: at.provider }]);
      await page.goto(at.lanyard + "/connect/zoom");
      await page.getByRole("button", { name: "Continue to Zoom" }).click();
      await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=cmp_`));
    });

    test("the provider answers by POST", async ({ page, at }) => {
      await page.goto(at.lanyard + "/connect/zoom");
      await page.getByRole("button", { name: "Continue to Zoom" }).click();
      await page.locator("#post").click();
      await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=cmp_`));
    });

    test("nothing to return to", async ({ page, at }) => {
      await page.goto(at.lanyard + "/connect/again");
      await page.getByRole("button", { name: "Continue to Zoom" }).click();
      await page.locator("#allow").click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your Zoom account is connected");
      expect(page.url()).not.toContain("?");
      await page.reload();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing more to do here");
    });

    test("denied, and begun again from the page that says so", async ({ page, at }) => {
      await page.goto(at.lanyard + "/connect/again");
      await page.getByRole("button", { name: "Continue to Zoom" }).click();
      await page.locator("#deny").click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You said no");
      expect(page.url()).toMatch(new RegExp(`^${at.lanyard}/connect/problem/consent_denied/[A-Za-z0-9_-]+$`));
      await page.getByRole("link", { name: "Try again" }).click();
      await expect(page).toHaveURL(at.lanyard + "/connect/again");
    });

    test("cancel", async ({ page, at }) => {
      await page.goto(at.lanyard + "/connect/zoom");
      await page.getByRole("link", { name: "Cancel" }).click();
      await expect(page).toHaveURL(at.customer + "/return?lanyard_error=consent_denied");
      await page.goto(at.lanyard + "/connect/again");
      await page.getByRole("link", { name: "Cancel" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing was connected");
    });
  });
}

// T01: an attacker begins and has the victim finish. The victim's browser has no
// flow cookie, so the answer is not used.
test("another browser's trip is not finished", async ({ page, at, browser }) => {
  await page.goto(at.lanyard + "/connect/zoom");
  await page.getByRole("button", { name: "Continue to Zoom" }).click();
  const stolen = page.url();
  const victim = await browser.newPage();
  await victim.goto(stolen);
  await victim.locator("#allow").click();
  await expect(victim.getByRole("heading", { level: 1 })).toHaveText("Not the browser that started");
  expect(victim.url()).not.toContain("the-code");
  await expect(victim.getByRole("link", { name: "Try again" })).toHaveCount(0);
  await victim.close();
});

test("back from the provider, Continue can be pressed again", async ({ page, at }) => {
  await page.goto(at.lanyard + "/connect/zoom");
  await page.getByRole("button", { name: "Continue to Zoom" }).click();
  await expect(page).toHaveURL(new RegExp(`^${at.provider}`));
  await page.goBack();
  await page.getByRole("button", { name: "Continue to Zoom" }).click();
  await expect(page).toHaveURL(new RegExp(`^${at.provider}`));
});

// T34: no other site can put our pages into a frame and have them clicked.
test("not in a frame", async ({ page, at }) => {
  await page.goto(at.customer + "/");
  const framed = await page.evaluate(async (src) => {
    const f = document.createElement("iframe");
    f.src = src;
    document.body.append(f);
    await new Promise((done) => { f.onload = done; });
    try { return f.contentDocument === null ? "foreign" : "empty"; } catch { return "foreign"; }
  }, at.lanyard + "/connect/zoom");
  expect(framed).toBe("foreign"); // the browser's own error page
  expect(await page.frames()[1].evaluate(() => document.querySelector("form") === null)).toBe(true);
});
