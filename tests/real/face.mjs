// The registry's pages in headless Chromium: axe-core over each of them, light and dark, at a desktop's and a phone's width, as
// whoever has the token; each page is also read without JavaScript. Prints one line for each finding.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { open } from './person.mjs';

const env = process.env;
const parts = env.MCPAUTH_REAL_PARTS || path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
const axe = fs.readFileSync(path.join(parts, 'node/node_modules/axe-core/axe.min.js'), 'utf8');
const { url, visits } = JSON.parse(fs.readFileSync(0, 'utf8'));
const browser = await open();
const findings = [];
let checked = 0;
for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [390, 'light'], [390, 'dark']]) {
  for (const { token, path: at } of visits) {
    const headers = token ? { 'X-Authorization': `Bearer ${token}` } : {};
    const context = (javaScriptEnabled) => browser.newContext({ viewport: { width, height: 844 }, colorScheme, javaScriptEnabled, extraHTTPHeaders: headers });
    const plain = await context(false);
    const without = await plain.newPage();
    await without.goto(url + at);
    if (!(await without.locator('h1').innerText())) findings.push(`${at}: no heading without JavaScript`);
    await plain.close();
    const scripted = await context(true);
    const page = await scripted.newPage();
    await page.goto(url + at);
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    // Through the browser's own door: the pages' policy lets no script in.
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
    checked += passes.length;
    for (const one of violations) findings.push(`${width} ${colorScheme} ${at}: ${one.id} ${one.help}: ${one.nodes[0].html}`);
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) findings.push(`${width} ${at}: wider than the screen`);
    await scripted.close();
  }
}
await browser.close();
console.log(JSON.stringify({ checked, findings }));
