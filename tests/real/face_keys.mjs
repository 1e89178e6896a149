// The registry's pages in headless Chromium by the keyboard alone: every link, button and field is reached by Tab in the order of the
// page and shows that it is; the skip link skips; nothing keeps the focus; and a form is filled in, sent, corrected and sent again.
// Prints what was found.
import fs from 'node:fs';
import { open } from './person.mjs';

const { url, visits, form } = JSON.parse(fs.readFileSync(0, 'utf8'));
const browser = await open();
const findings = [];
let reached = 0;
const visit = async ({ token, path }, width) => {
  const headers = token ? { 'X-Authorization': `Bearer ${token}` } : {};
  const context = await browser.newContext({ viewport: { width, height: 844 }, extraHTTPHeaders: headers });
  const page = await context.newPage();
  await page.goto(url + path);
  return page;
};
// What has the focus, by its place among all that can have it, and whether that shows.
const focused = (page) => page.evaluate(() => {
  const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')];
  const shown = all.filter((one) => one.checkVisibility({ visibilityProperty: true }));
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    place: shown.indexOf(one), count: shown.length, name: one.outerHTML.slice(0, 100), inMain: Boolean(one.closest('main')),
    isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.left >= 0 && box.right <= innerWidth + 1 && box.bottom > 0 && box.top < innerHeight,
  };
});
for (const width of [1280, 390]) {
  for (const one of visits) {
    const page = await visit(one, width);
    // A form that was refused begins at the field that is wrong.
    await page.evaluate(() => document.activeElement.blur());
    let last = -1;
    for (;;) {
      await page.keyboard.press('Tab');
      const now = await focused(page);
      if (now.place < 0) break;
      if (now.place !== last + 1) { findings.push(`${width} ${one.path}: after ${last} comes ${now.place}: ${now.name}`); break; }
      if (!now.isSeen) findings.push(`${width} ${one.path}: the focus does not show: ${now.name}`);
      last = now.place;
      reached += 1;
      if (last === now.count - 1) break;
    }
    const { count } = await focused(page);
    if (last !== count - 1) findings.push(`${width} ${one.path}: ${last + 1} of ${count} are reached`);
    await page.reload();
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const skipped = await focused(page);
    if (skipped.place >= 0 && !skipped.inMain) findings.push(`${width} ${one.path}: the skip link leads to ${skipped.name}`);
    await page.context().close();
  }
}
// A server is registered, first with a path that cannot be.
const page = await visit(form, 1280);
const type = async (text) => { await page.keyboard.press('Tab'); await page.keyboard.type(text); };
await page.locator('#main').focus();
await page.keyboard.press('Tab'); // the way back to the servers
for (const text of ['By keyboard', '/a b', 'http://127.0.0.1:9/', 'Words']) await type(text);
await Promise.all([page.waitForURL('**/register'), page.waitForLoadState('load'), page.keyboard.press('Tab').then(() => page.keyboard.press('Enter'))]);
await page.locator('.fault').waitFor();
const refused = await page.evaluate(() => ({ id: document.activeElement.id, about: document.activeElement.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).innerText) }));
await page.keyboard.press('Control+A');
await page.keyboard.type('/by-keyboard');
await Promise.all([page.waitForURL('**/servers/by-keyboard*'), page.keyboard.press('Enter')]);
const kept = await page.locator('main').innerText();
await browser.close();
console.log(JSON.stringify({ findings, reached, refused, kept }));
