import { readFileSync } from "node:fs";
import { test, expect, accessible, fits } from "./fixtures.js";

const met = [...readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8")
  .matchAll(/^\| `([a-z_]+)` \| [a-z_]+ \| yes \| ([^|]+) \|/gm)].map((m) => ({ code: m[1], title: m[2].trim() }));

const pages = ["/connect/zoom", "/connect/plain", "/connect/again", "/connect/popup", "/connect/hostile",
  "/connect/cancelled", "/connect/return/AAAAAAAAAAAA", "/connect/unknown-link"];

for (const colorScheme of ["light", "dark"]) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    for (const path of pages) {
      test(`${path} is accessible and fits from 320 to 1440`, async ({ page, at }) => {
        await page.goto(at.lanyard + path);
        await expect(page.locator("h1")).toHaveCount(1);
        for (const width of [320, 375, 768, 1440]) {
          await page.setViewportSize({ width, height: 800 });
          await fits(page);
        }
        await page.setViewportSize({ width: 320, height: 568 });
        await accessible(page);
      });
    }

    test("every page about an error is accessible", async ({ page, at }) => {
      expect(met.length).toBeGreaterThan(15);
      const some = colorScheme === "light" ? met : met.slice(0, 4); // they differ in words alone
      for (const { code, title } of some) {
        await page.goto(`${at.lanyard}/connect/problem/${code}/req_0123456789`);
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
        await accessible(page);
      }
    });
  });
}


test("keyboard alone: what is focused can be seen, in the order of reading", async ({ page, at }) => {
  await page.goto(at.lanyard + "/connect/zoom");
  const seen = [];
  for (let i = 0; i < 7; i++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    if (await focused.count() === 0) break;
    seen.push((await focused.innerText()).split("\n")[0].replace(/ \(opens.*/, ""));
    expect(await focused.evaluate((e) => getComputedStyle(e).outlineStyle)).toBe("solid");
    expect(await focused.evaluate((e) => {
      const r = e.getBoundingClientRect();
      return e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2));
    }), `${seen.at(-1)} is not covered`).toBe(true);
  }
  expect(seen).toEqual(["The same in Zoom's own terms", "Continue to Zoom", "Cancel", "Zoom settings",
    "Northwind Notes: Privacy", "Northwind Notes: Terms"]);
});

test("keyboard alone: from the page to the customer's", async ({ page, at }) => {
  await page.goto(at.lanyard + "/connect/zoom");
  await page.getByRole("button", { name: "Continue to Zoom" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("#allow").focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`^${at.customer}/return\\?lanyard_completion=cmp_`));
});

test("no motion for who wants none", async ({ page, at }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(at.lanyard + "/connect/zoom");
  expect(await page.getByRole("button").first().evaluate((e) => getComputedStyle(e).transitionDuration)).toMatch(/^0s/);
});

test("printed, it is the text without the buttons", async ({ page, at }) => {
  await page.goto(at.lanyard + "/connect/zoom");
  await page.emulateMedia({ media: "print" });
  await expect(page.getByText("Let a bot record meetings that you host")).toBeVisible();
  await expect(page.getByRole("button", { name: "Continue to Zoom" })).toBeHidden();
});
