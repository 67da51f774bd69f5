import { test, expect, login, connect, consent, continueToZoom, said, trail } from "./product.js";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("Dana connects Zoom, and nothing of it stays in the address", async ({ page, lanyard }) => {
      const seen = trail(page);
      await login(page, lanyard, "Dana");
      await expect(page.getByRole("heading", { name: "Nothing is connected yet" })).toBeVisible();
      await page.getByRole("button", { name: "Connect Zoom", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1 })).toContainText("Harbour Notes would like to connect to your Zoom account");
      await continueToZoom(page);
      await expect(page).toHaveURL(new RegExp(`^${lanyard.sandbox}/zoom/oauth/authorize\\?`));
      await consent(page, "Dana Lindqvist");
      await expect(said(page)).toContainText("Connected: Dana Lindqvist’s Zoom account.");
      await expect(page.getByRole("heading", { level: 3, name: "Dana Lindqvist" })).toBeVisible();
      expect(await lanyard.connections("user-dana")).toMatchObject([{ status: "active", account: { display_name: "Dana Lindqvist" } }]);

      // T06: neither code nor completion is in an address that the browser showed.
      expect(page.url()).toBe(lanyard.product + "/");
      expect(seen.filter((u) => /[?&](code|lanyard_completion)=/.test(u))).toEqual([]);
      await page.reload(); // what was said is said once, and nothing is done again
      await expect(page.getByText("Connected: Dana")).toHaveCount(0);
      expect(await lanyard.connections("user-dana")).toHaveLength(1);
    });

    test("Dana says no, and the product says so", async ({ page, lanyard }) => {
      await login(page, lanyard, "Dana");
      await page.getByRole("button", { name: "Connect Zoom", exact: true }).click();
      await continueToZoom(page);
      await consent(page, "Dana Lindqvist", "Deny");
      await expect(said(page)).toContainText("You said no.");
      await expect(page).toHaveURL(lanyard.product + "/");
      await page.getByRole("link", { name: "More about this" }).click();
      await expect(page).toHaveURL(lanyard.lanyard + "/connect/problem/consent_denied");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You said no");
      expect(await lanyard.connections("user-dana")).toEqual([]);
    });

    test("Cancel on our page is a no as well", async ({ page, lanyard }) => {
      await login(page, lanyard, "Dana");
      await page.getByRole("button", { name: "Connect Zoom", exact: true }).click();
      await page.getByRole("link", { name: "Cancel" }).click();
      await expect(said(page)).toContainText("You said no.");
    });

    test("a bot is turned away until the person is in the meeting", async ({ page, lanyard }) => {
      await connect(page, lanyard, "Ana", "Ana Torres");
      const product = page;
      const zoom = await page.context().newPage();
      await zoom.goto(lanyard.sandbox + "/");
      await zoom.getByLabel("Topic").fill("Weekly review");
      await zoom.getByLabel("Host").selectOption("ben");
      await zoom.getByRole("button", { name: "Make a meeting" }).click();
      await expect(zoom.getByRole("heading", { level: 1 })).toContainText("Weekly review");
      const number = new URL(zoom.url()).pathname.split("/").at(-1);

      const send = async (what) => {
        await product.getByLabel("Zoom link or meeting number").fill(what);
        await product.getByRole("button", { name: "Send" }).click();
      };
      await send(`https://us02web.zoom.us/j/${number}?pwd=x.1`);
      await expect(said(product)).toHaveText(/Zoom did not let the bot in: The person who authorized this bot is not in the meeting/);
      await zoom.reload();
      await expect(zoom.getByText("The person who authorized it was not in the meeting.")).toBeVisible();

      await zoom.getByRole("button", { name: "Let Ana in" }).click();
      await expect(zoom.getByRole("button", { name: "Let Ana leave" })).toBeVisible();
      await send(number);
      await expect(said(product)).toContainText(`The bot is in meeting ${number}.`);
      await expect(product.getByRole("listitem").filter({ hasText: number })).toHaveCount(2);
      await zoom.reload();
      await expect(zoom.getByRole("listitem").filter({ hasText: "for Ana Torres" })).toContainText("in the meeting");

      await zoom.getByRole("button", { name: "Let Ana leave" }).click();
      await expect(zoom.getByText("thrown out: the person left")).toBeVisible();
    });

    test("disconnected, and Zoom has been told", async ({ page, lanyard }) => {
      await connect(page, lanyard, "Ben", "Ben Okafor");
      await page.getByRole("button", { name: "Disconnect Ben Okafor" }).click();
      await expect(said(page)).toContainText("Disconnected. Zoom has been told");
      await expect(page.getByRole("heading", { name: "Nothing is connected yet" })).toBeVisible();
      await page.goto(lanyard.sandbox + "/");
      await expect(page.getByText("Nobody has allowed an app yet.")).toBeVisible();
    });

    test("taken out at Zoom, and connected again", async ({ page, lanyard }) => {
      await connect(page, lanyard, "Ana", "Ana Torres");
      const [before] = await lanyard.connections("user-ana");
      await page.goto(lanyard.sandbox + "/");
      await page.getByRole("button", { name: /^Remove Harbour Notes from Ana Torres/ }).click();
      await expect(page.getByText("Nobody has allowed an app yet.")).toBeVisible();

      await lanyard.renew(before); // Zoom refuses both tokens: that is a verdict
      await page.goto(lanyard.product + "/");
      await expect(page.getByText("Connect again", { exact: true }).first()).toBeVisible();

      // T09: with another account nothing changes hands.
      await page.getByRole("button", { name: "Connect again" }).click();
      await continueToZoom(page);
      await consent(page, "Ben Okafor");
      await expect(said(page)).toContainText("Another account.");
      expect(await lanyard.connections("user-ana")).toMatchObject([{ id: before.id, account: before.account, status: "needs_reauth" }]);

      await page.getByRole("button", { name: "Connect again" }).click();
      await continueToZoom(page);
      await consent(page, "Ana Torres");
      await expect(said(page)).toContainText("Connected again.");
      await expect(page.getByText("Connected", { exact: true })).toBeVisible();
      expect(await lanyard.connections("user-ana")).toMatchObject([{ id: before.id, status: "active" }]);
    });
  });
}

test("the reconnect link of a connection works by itself", async ({ page, lanyard }) => {
  await connect(page, lanyard, "Ana", "Ana Torres");
  const [c] = await lanyard.connections("user-ana");
  await lanyard.revoke("ana");
  await lanyard.renew(c);
  const [{ status, reconnect_url: link }] = await lanyard.connections("user-ana");
  expect(status).toBe("needs_reauth");
  await page.goto(link);
  await continueToZoom(page);
  await consent(page, "Ana Torres");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Your (Zoom )?account is connected$/);
  expect(page.url()).not.toContain("?");
  expect(await lanyard.connections("user-ana")).toMatchObject([{ id: c.id, status: "active" }]);
});

test("keyboard alone: from the login to a bot in the meeting", async ({ page, lanyard }) => {
  const { body: meeting } = await lanyard.call("POST", lanyard.sandbox + "/admin/meetings", { host: "dana", topic: "Keys" });
  const tabTo = async (what) => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      if (await what.evaluate((e) => e === document.activeElement)) {
        expect(await what.evaluate((e) => getComputedStyle(e).outlineStyle), `focus on ${what} can be seen`).toBe("solid");
        return;
      }
    }
    throw new Error(`no way to ${what} by Tab`);
  };
  const press = async (name) => { await tabTo(page.getByRole("button", { name })); await page.keyboard.press("Enter"); };
  await page.goto(lanyard.product + "/");
  await press(/^Dana/);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Hello Dana");
  await press(/^Connect Zoom$/);
  await expect(page).toHaveURL(/\/connect\//);
  await press("Continue to Zoom");
  await expect(page).toHaveURL(/authorize/);
  await tabTo(page.getByRole("radio", { name: /Ana Torres/ })); // the chosen one of the group
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: /Dana Lindqvist/ })).toBeChecked();
  await press("Allow");
  await expect(said(page)).toContainText("Connected: Dana Lindqvist");
  await page.goto(`${lanyard.sandbox}/zoom/meetings/${meeting.number}`);
  await press("Let Dana in");
  await expect(page.getByRole("button", { name: "Let Dana leave" })).toBeVisible();
  await page.goto(lanyard.product + "/");
  await tabTo(page.getByLabel("Zoom link or meeting number"));
  await page.keyboard.type(meeting.number);
  await page.keyboard.press("Enter");
  await expect(said(page)).toContainText("The bot is in meeting");
});
