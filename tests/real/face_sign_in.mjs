// Alice in headless Chromium signs in to the registry's pages at a provider, looks around, signs out here and there, and
// tries to come back; with JavaScript and without. Prints what she saw.
import fs from 'node:fs';
import { PAGES, logIn, open, text } from './person.mjs';

const { url, visits } = JSON.parse(fs.readFileSync(0, 'utf8'));
const browser = await open();
const here = (address) => address.startsWith(`${url}/`);
const seen = [];
for (const { kind, title, javaScriptEnabled } of visits) {
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const asked = [];
  page.on('request', (request) => { if (request.isNavigationRequest()) asked.push(request.url()); });
  const read = async (path) => { await page.goto(url + path); return text(page); };
  const one = { kind, javaScriptEnabled };
  // She opens a page, is asked to sign in, and lands on the page that she wanted.
  await page.goto(`${url}/servers/currenttime?x=1`);
  one.first = page.url();
  await page.getByRole('link', { name: title }).click();
  await logIn(page, kind, here);
  one.landed = page.url();
  one.server = await text(page);
  one.list = await read('/');
  one.me = await read('/me');
  one.register = await read('/register');
  const cookies = await context.cookies(url);
  one.cookies = cookies.map(({ name, httpOnly, sameSite, path, value }) => ({ name, httpOnly, sameSite, path, length: value.length }));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  one.left = (await context.cookies(url)).length;
  // A copy of the cookie that was kept is no session any more.
  const thief = await browser.newContext();
  await thief.addCookies(cookies);
  one.copy = (await (await thief.newPage()).goto(`${url}/api/auth/me`)).status();
  await thief.close();
  // The provider's own session ends too, and leads back.
  await page.getByRole('link', { name: `Sign out at ${title} too` }).click();
  const sure = page.locator('#kc-logout');
  if (!here(page.url()) && (await sure.count())) await sure.click();
  await page.waitForURL((address) => here(address.href));
  one.back = page.url();
  one.logout = asked.filter((address) => /logout/.test(address) && !here(address));
  // So that whoever comes next is asked for a password.
  await page.getByRole('link', { name: title }).click();
  await page.waitForLoadState('load');
  one.again = await page.locator(PAGES[kind].password).isVisible();
  await context.close();
  seen.push(one);
}
await browser.close();
console.log(JSON.stringify(seen));
