// The user in front of a browser: logs in as alice in headless Chromium, consents where asked, waits for the
// page at the loopback callback and prints that page's visible text. Ends with 1 and says why otherwise.
// usage: browser.mjs --kind oidc-provider|ministack|keycloak --shots DIR URL
// DIR gets login.png, consent.png (if there was one), callback.png; failure.png when it went wrong.
// With HTTPS_PROXY set (ministack's PROXY) https pages are fetched through it, whatever their certificate.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { PAGES, logIn, open, text } from './person.mjs';

const fail = (why) => { console.error(`browser: ${why}`); process.exit(1); };
const { values: { kind, shots }, positionals: [start] } = parseArgs({ allowPositionals: true, options: { kind: { type: 'string' }, shots: { type: 'string' } } });
if (!PAGES[kind] || !shots || !start) fail('usage: browser.mjs --kind oidc-provider|ministack|keycloak --shots DIR URL');

const loopback = (url) => ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
// The callback is the redirect_uri where the URL shows it; with a pushed request, any other loopback server.
const asked = new URL(start);
const redirect = asked.searchParams.get('redirect_uri');
const arrived = (href) => {
  if (!URL.canParse(href)) return false;
  const url = new URL(href);
  return loopback(url) && (redirect ? url.origin === new URL(redirect).origin : url.origin !== asked.origin);
};

fs.mkdirSync(shots, { recursive: true });
for (const name of ['login', 'consent', 'callback', 'failure']) fs.rmSync(path.join(shots, `${name}.png`), { force: true });
const browser = await open().catch((error) => fail(error.message));
const page = await browser.newPage();
page.setDefaultTimeout(15_000);
const shot = (name) => page.screenshot({ path: path.join(shots, `${name}.png`) });

try {
  await page.goto(start, { waitUntil: 'domcontentloaded' });
  await logIn(page, kind, arrived, shot);
  await page.waitForLoadState('load');
  await shot('callback');
  console.log(await text(page));
} catch (error) {
  // The address is left out: it may hold a code.
  await shot('failure').catch(() => {});
  console.error(`browser: ${String(error?.message ?? error).split('\n')[0]}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
