import { test as base, expect } from "@playwright/test";
import { AxeBuilder } from "@axe-core/playwright";

// at says where the pages are: at.lanyard, at.provider, at.customer.
export const test = base.extend({
  at: async ({}, use) => use(JSON.parse(process.env.LANYARD_E2E_AT).pages),

  // A page that throws, or does what its content security policy forbids, fails
  // its test, in pop-ups too: neither is seen by who looks at the page. Only the
  // frame around it is another's doing, and the test of that looks for itself.
  context: async ({ context }, use) => {
    const wrong = [];
    context.on("weberror", (e) => wrong.push(String(e.error())));
    context.on("console", (m) => {
      const said = m.text();
      if (/Content Security Policy|Refused to|Permissions-Policy/i.test(said) && !/frame-ancestors/.test(said)) wrong.push(said);
    });
    await use(context);
    expect(wrong, "errors in pages").toEqual([]);
  },
});

// accessible fails on anything axe finds against WCAG 2.2 AA or its own best practices.
export async function accessible(page) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(", ")}`)).toEqual([]);
}

// fits fails when something has to be scrolled sideways.
export async function fits(page) {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
}

export { expect };
