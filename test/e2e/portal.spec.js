import { test as base, expect, connect, consent, continueToZoom } from "./product.js";
import { accessible, fits } from "./fixtures.js";

// The portal: the end user's own page of connections, as real people use it.
const test = base.extend({
  // portal makes a link for a user of the customer's.
  portal: async ({ lanyard }, use) => use(async (user = "user-ana", more = {}) => {
    const { status, body } = await lanyard.call("POST", "/v1/portal-sessions", { end_user_id: user, ...more });
    expect(status).toBe(201);
    return body.url;
  }),
});

const enter = async (page, url) => {
  await page.goto(url);
  await page.getByRole("button", { name: "Open my connections" }).click();
  await expect(page).toHaveURL(/\/portal$/);
};
const card = (page) => page.getByRole("article");
const press = (page, name) => card(page).getByRole("button", { name }).click();
const rested = () => new Promise((done) => { setTimeout(done, 400); }); // a renewal does not follow another at once

// every opens an address ten times by GET, in the browser's own session, and expects that nothing comes of it. The server
// lists the person's meetings when it likes: what comes of opening comes each time.
async function every(page, lanyard, urls) {
  const before = await lanyard.connections();
  let used, is;
  for (let tries = 0; tries < 3 && (tries === 0 || is !== used); tries++) {
    used = (await lanyard.ledger("")).length;
    for (const url of urls) for (let i = 0; i < 10; i++) await page.request.get(url, { maxRedirects: 0 });
    is = (await lanyard.ledger("")).length;
  }
  expect(await lanyard.connections()).toEqual(before);
  expect(is).toBe(used);
}

const phone = { width: 375, height: 812 };
const desktop = { width: 1280, height: 900 };

for (const [device, viewport] of [["phone", phone], ["desktop", desktop]]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const javaScriptEnabled of [true, false]) {
      test.describe(`${device}, ${colorScheme}, ${javaScriptEnabled ? "with" : "without"} script`, () => {
        test.use({ viewport, colorScheme, javaScriptEnabled });

        const look = async (page, name) => {
          await expect(page.locator("h1")).toHaveCount(1);
          if (javaScriptEnabled) { // axe is a script itself
            await fits(page);
            await accessible(page);
          }
          if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${device}-${colorScheme}-${name}.png`, fullPage: true });
        };

        test("from the link to the last connection", async ({ page, lanyard, portal }) => {
          test.slow(); // it is the whole journey
          await connect(page, lanyard, "Ana", "Ana Torres");
          const [c] = await lanyard.connections("user-ana");
          const at = `${lanyard.lanyard}/portal`;
          const url = await portal("user-ana", { return_url: lanyard.product + "/connected" });

          await every(page, lanyard, [url]); // a scanner is first
          await page.goto(url);
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("See your connections with Harbour Notes");
          await look(page, "open");
          await enter(page, url);

          await every(page, lanyard, [url, at, `${at}/connections/${c.id}/disconnect`, `${at}/disconnected`,
            `${at}?lanyard_error=consent_denied`, `${at}/connections/${c.id}/check`, `${at}/connections/${c.id}/reconnect`, `${at}/leave`]);
          await page.goto(at);
          await page.reload(); // what the tenfold addresses left to be said is said
          await expect(card(page)).toHaveCount(1);
          await expect(card(page).getByRole("heading", { level: 2 })).toHaveText("Zoom");
          await expect(card(page)).toContainText("ana.torres@example.com");
          await expect(card(page)).toContainText("Works");
          await expect(card(page)).toContainText("A bot can join meetings on your behalf while you are in them");
          await expect(card(page)).toContainText("It never sees your Zoom password.");
          await expect(card(page).locator("time")).not.toHaveCount(0);
          await look(page, "list");

          await rested();
          await press(page, /^Check/);
          await expect(card(page).getByRole("status")).toHaveText("Checked just now: Zoom says that it works.");
          await look(page, "checked");
          await page.reload();
          await expect(card(page).getByRole("status")).toHaveCount(0); // said once

          // Ana takes the app out at Zoom. Check finds it; connecting again mends it.
          await lanyard.revoke("ana");
          await lanyard.renew(c);
          await page.reload();
          await expect(card(page)).toContainText("Does not work any more");
          await look(page, "broken");
          await press(page, /^Connect again/);
          await expect(page.getByRole("heading", { level: 1 })).toContainText("Connect your Zoom account to Harbour Notes again");
          await page.getByRole("link", { name: "Cancel" }).click();
          await expect(page).toHaveURL(/\/portal$/);
          await expect(page.getByRole("status")).toContainText("Connecting again did not work");
          await look(page, "cancelled");
          await press(page, /^Connect again/);
          await continueToZoom(page);
          await consent(page, "Ana Torres");
          await expect(page).toHaveURL(/\/portal$/);
          await expect(card(page).getByRole("status")).toHaveText("You have connected Zoom again.");
          await expect(card(page)).toContainText("There is nothing for you to do.");
          expect(await lanyard.connections("user-ana")).toMatchObject([{ id: c.id, status: "active" }]);

          // Another account is not taken for it.
          await press(page, /^Connect again/);
          await continueToZoom(page);
          await consent(page, "Ben Okafor");
          await expect(page.getByRole("status")).toContainText("You signed in with another account");

          await card(page).getByRole("link", { name: /^Disconnect/ }).click();
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Disconnect Zoom?");
          await expect(page.getByText("We ask Zoom to take the access away")).toBeVisible();
          await look(page, "confirm");
          await page.getByRole("link", { name: "Keep it" }).click();
          await expect(card(page)).toHaveCount(1);
          await card(page).getByRole("link", { name: /^Disconnect/ }).click();
          await page.getByRole("button", { name: "Disconnect" }).click();
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Zoom is disconnected");
          await expect(page.getByText("Zoom has confirmed that the access was taken away.")).toBeVisible();
          await expect(page.getByRole("link", { name: "See it at Zoom" })).toHaveAttribute("href", "https://marketplace.zoom.us/user/installed");
          await look(page, "gone");
          await page.reload();
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Zoom is disconnected");
          expect(await lanyard.connections("user-ana")).toEqual([]);

          await page.getByRole("link", { name: "Back to my connections" }).click();
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing is connected");
          await look(page, "empty");
          await page.getByRole("button", { name: "Leave this page" }).click();
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("You have left this page");
          await look(page, "left");
          await page.goto(at);
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("Please open your connections again");
          await look(page, "over");
          await page.goto(url);
          await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link does not work any more");
        });
      });
    }
  }
}

test("two connections, one in part, one paused, at 320 px and wide", async ({ page, lanyard, portal }) => {
  await connect(page, lanyard, "Ana", "Ana Torres");
  const [c] = await lanyard.connections("user-ana");
  await lanyard.call("PATCH", `/v1/connections/${c.id}`, { label: "Work account, the one with the very long name of a department", paused: true });
  const { body: session } = await lanyard.call("POST", "/v1/connect-sessions", { provider: "zoom", end_user: { id: "user-ana", display_name: "Ana Torres" },
    return_url: lanyard.product + "/connected", label: "second" });
  await page.goto(session.connect_url);
  await continueToZoom(page);
  await consent(page, "Ben Okafor");
  await enter(page, await portal());
  await expect(card(page)).toHaveCount(2);
  await expect(page.getByText("These accounts of Ana Torres are connected to Harbour Notes.")).toBeVisible();
  const paused = card(page).filter({ hasText: "Work account" });
  await expect(paused).toContainText("Paused");
  await expect(paused.getByRole("button")).toHaveCount(0); // there is nothing to check, and nothing to mend
  await expect(card(page).first().getByText("It never sees your Zoom password.")).toBeHidden(); // folded, where there are several
  for (const width of [320, 768, 1440]) {
    await page.setViewportSize({ width, height: 800 });
    await fits(page);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/two-${width}.png`, fullPage: true });
  }
  await accessible(page);
  await card(page).first().getByText("What Harbour Notes may and may not do").click();
  await accessible(page);
});

test("keyboard alone: check, and disconnect", async ({ page, lanyard, portal }) => {
  await connect(page, lanyard, "Ana", "Ana Torres");
  const tabTo = async (target) => {
    for (let i = 0; i < 40; i++) {
      if (await target.evaluate((e) => e === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error("not reached by Tab");
  };
  const go = async (target) => { await tabTo(target); await page.keyboard.press("Enter"); };
  await page.goto(await portal());
  await go(page.getByRole("button", { name: "Open my connections" }));
  await expect(page).toHaveURL(/\/portal$/);
  await go(card(page).getByRole("button", { name: /^Check/ }));
  await expect(card(page).getByRole("status")).toContainText("Checked just now");
  await go(card(page).getByRole("link", { name: /^Disconnect/ }));
  await go(page.getByRole("button", { name: "Disconnect" }));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Zoom is disconnected");
  expect(await lanyard.connections("user-ana")).toEqual([]);
});

test("T34: no frame, no other site's button, no second browser", async ({ page, browser, lanyard, portal }) => {
  await connect(page, lanyard, "Ana", "Ana Torres");
  const [c] = await lanyard.connections("user-ana");
  const url = await portal();
  const headers = { origin: lanyard.product, "sec-fetch-site": "cross-site" };
  expect((await page.request.post(url, { headers })).status()).toBe(403);
  await enter(page, url);
  const [cookie] = (await page.context().cookies(lanyard.lanyard)).filter((k) => k.name === "lanyard_portal");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  for (const what of ["disconnect", "check", "reconnect"]) {
    expect((await page.request.post(`${lanyard.lanyard}/portal/connections/${c.id}/${what}`, { headers })).status()).toBe(403);
  }
  const r = await page.request.get(lanyard.lanyard + "/portal");
  expect(r.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
  const other = await browser.newContext();
  const thief = await other.newPage();
  await thief.goto(url);
  await expect(thief.getByRole("heading", { level: 1 })).toHaveText("This link does not work any more");
  await other.close();
  expect(await lanyard.connections("user-ana")).toMatchObject([{ id: c.id, status: "active" }]);
});
