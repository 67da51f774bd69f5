import { test, expect, login, consent, continueToZoom, said } from "./product.js";

// The product's second button: the connect page in a pop-up, by /lanyard.js.

async function open(page) {
  const button = page.getByRole("button", { name: "Connect Zoom in a pop-up" });
  await expect(button).toBeVisible();
  const [popup] = await Promise.all([page.waitForEvent("popup"), button.click()]);
  return popup;
}

const gone = (popup) => expect.poll(() => popup.isClosed()).toBe(true);

// A provider's page that cuts the tie between the two windows, as large ones do.
async function cutTheTie(context, lanyard) {
  await context.route(`${lanyard.sandbox}/zoom/oauth/authorize**`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), "cross-origin-opener-policy": "same-origin" } });
  });
}

test("allowed: the page that opened it goes on", async ({ page, lanyard }) => {
  await login(page, lanyard, "Dana");
  const popup = await open(page);
  await continueToZoom(popup);
  await consent(popup, "Dana Lindqvist");
  await expect(said(page)).toContainText("Connected: Dana Lindqvist’s Zoom account.");
  await gone(popup);
  await expect(page).toHaveURL(lanyard.product + "/");
  expect(await lanyard.connections("user-dana")).toHaveLength(1);
});

test("denied", async ({ page, lanyard }) => {
  await login(page, lanyard, "Dana");
  const popup = await open(page);
  await continueToZoom(popup);
  await consent(popup, "Dana Lindqvist", "Deny");
  await expect(page.locator(".said")).toContainText("You said no.");
  await gone(popup);
  expect(await lanyard.connections("user-dana")).toEqual([]);
});

test("closed without an answer", async ({ page, lanyard }) => {
  await login(page, lanyard, "Dana");
  const popup = await open(page);
  await popup.getByRole("link", { name: "Cancel" }).click();
  await gone(popup);
  await expect(page.getByText("The window was closed.")).toBeVisible();
});

test("the provider cuts the tie: the result comes by the return page", async ({ page, context, lanyard }) => {
  await cutTheTie(context, lanyard);
  await login(page, lanyard, "Dana");
  const popup = await open(page);
  await continueToZoom(popup);
  await consent(popup, "Dana Lindqvist");
  await expect(page.locator(".said")).toContainText("Connected: Dana Lindqvist’s Zoom account.");
  await gone(popup);
  expect(await lanyard.connections("user-dana")).toHaveLength(1);
});

test("pop-ups are blocked: the same in this window", async ({ page, lanyard }) => {
  await page.addInitScript(() => { window.open = () => null; });
  await login(page, lanyard, "Dana");
  await page.getByRole("button", { name: "Connect Zoom in a pop-up" }).click();
  await continueToZoom(page);
  await consent(page, "Dana Lindqvist");
  await expect(page.locator(".said")).toContainText("Connected: Dana Lindqvist’s Zoom account.", { timeout: 8_000 });
  await expect(page).toHaveURL(lanyard.product + "/");
});
