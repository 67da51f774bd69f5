import { test, expect } from "./fixtures.js";

async function begin(page, at, link) {
  await page.goto(at.customer + "/");
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.locator("#" + link).click()]);
  await popup.getByRole("button", { name: "Continue to Zoom" }).click();
  await expect(popup).toHaveURL(new RegExp(`^${at.provider}/authorize`));
  return popup;
}

const gone = (popup) => expect.poll(() => popup.isClosed(), { timeout: 4_000 }).toBe(true);

test("pop-up: the page that opened it gets the completion", async ({ page, at }) => {
  const popup = await begin(page, at, "popup");
  await popup.locator("#allow").click();
  await expect(page.locator("#result")).toHaveText(/^complete \{.*"lanyard_completion":"cmp_/);
  await gone(popup);
});

test("pop-up: denied", async ({ page, at }) => {
  const popup = await begin(page, at, "popup");
  await popup.locator("#deny").click();
  await expect(page.locator("#result")).toHaveText(/^error \{.*"lanyard_error":"consent_denied"/);
  await gone(popup);
});

// Large providers' sign-in pages send Cross-Origin-Opener-Policy: same-origin.
// After that neither window knows the other.
test("pop-up whose provider cuts the tie: by the return URL and BroadcastChannel", async ({ page, at }) => {
  const popup = await begin(page, at, "longway");
  await expect(page.locator("#shut")).toHaveText("closed"); // what the opener sees, and it ends nothing
  await popup.locator("#allow").click();
  await expect(page.locator("#result")).toHaveText(/^complete \{.*"lanyard_completion":"cmp_/);
  await gone(popup);
});

// Two tabs of one customer: the result goes to the one that opened the pop-up.
test("pop-up whose provider cuts the tie: not to another tab", async ({ page, at, context }) => {
  const other = await context.newPage();
  const others = await begin(other, at, "longway");
  const popup = await begin(page, at, "longway");
  await popup.locator("#allow").click();
  await expect(page.locator("#result")).toHaveText(/^complete /);
  await expect(other.locator("#result")).toBeEmpty();
  await others.locator("#allow").click();
  await expect(other.locator("#result")).toHaveText(/^complete /);
});

// The result is for one origin. If that is not who opened the window, nobody
// hears it, and the browser goes to the return URL.
test("pop-up of a page that the result is not for", async ({ page, at }) => {
  await page.addInitScript(() => addEventListener("message", (e) => { window.heard = e.data; }));
  const popup = await begin(page, at, "lost");
  await popup.locator("#allow").click();
  await expect(popup.getByRole("heading", { level: 1 })).toHaveText("One moment");
  expect(popup.url()).not.toContain("?");
  await popup.waitForURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=`)).catch((e) => {
    if (!popup.isClosed()) throw e; // the return page has handed over and closed
  });
  expect(await page.evaluate(() => window.heard ?? null)).toBe(null);
});

test("cancel closes the pop-up and the customer's page hears of it", async ({ page, at }) => {
  await page.goto(at.customer + "/");
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.locator("#popup").click()]);
  await popup.getByRole("link", { name: "Cancel" }).click();
  await gone(popup);
  await expect(page.locator("#shut")).toHaveText("closed");
});

test("pop-ups blocked: the same in this window", async ({ page, at }) => {
  await page.addInitScript(() => { window.open = () => null; });
  await page.goto(at.customer + "/");
  await page.locator("#popup").click();
  await page.getByRole("button", { name: "Continue to Zoom" }).click();
  await page.locator("#allow").click();
  await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=`), { timeout: 8_000 });
});

// Another page that holds a reference to the opener cannot make up a result.
test("a result from elsewhere is not taken", async ({ page, at }) => {
  await page.goto(at.customer + "/");
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.locator("#popup").click()]);
  await popup.evaluate((to) => { location.href = to; }, at.provider + "/authorize?state=x");
  await popup.waitForURL(/authorize/);
  await popup.evaluate(() => window.opener.postMessage({ type: "lanyard", lanyard_completion: "cmp_forged" }, "*"));
  await page.evaluate(() => postMessage({ type: "lanyard", lanyard_completion: "cmp_forged" }, "*"));
  await page.evaluate(() => new BroadcastChannel("lanyard").postMessage({ type: "lanyard", to: "", lanyard_completion: "cmp_forged" }));
  await page.waitForTimeout(300);
  await expect(page.locator("#result")).toBeEmpty();
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });
  test("a result for a pop-up goes to the return URL", async ({ page, at }) => {
    await page.goto(at.lanyard + "/connect/popup");
    await page.getByRole("button", { name: "Continue to Zoom" }).click();
    await page.locator("#allow").click();
    await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=`));
  });
});
