// The user in front of a browser: logs in as alice in headless Chromium, consents where asked, waits for the
// page at the loopback callback and prints that page's visible text. Ends with 1 and says why otherwise.
// usage: browser.mjs --kind oidc-provider|ministack|keycloak --shots DIR URL
// DIR gets login.png, consent.png (if there was one), callback.png; failure.png when it went wrong.
// With HTTPS_PROXY set (ministack's PROXY) https pages are fetched through it, whatever their certificate.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const env = process.env;
const fail = (why) => { console.error(`browser: ${why}`); process.exit(1); };
const { values: { kind, shots }, positionals: [start] } = parseArgs({ allowPositionals: true, options: { kind: { type: 'string' }, shots: { type: 'string' } } });
const PAGES = {
  'oidc-provider': { name: 'input[name=login]', password: 'input[name=password]', secret: 'any', submit: 'button[type=submit]', consent: 'form:has(input[name=prompt][value=consent])', agree: 'button[type=submit]' },
  ministack: { name: '#username', password: '#password', secret: 'Passw0rd!', submit: 'button[type=submit]' },
  keycloak: { name: '#username', password: '#password', secret: 'alice', submit: '#kc-login', consent: '[name=accept]', agree: '[name=accept]' },
}[kind];
if (!PAGES || !shots || !start) fail('usage: browser.mjs --kind oidc-provider|ministack|keycloak --shots DIR URL');

const parts = env.MCPAUTH_REAL_PARTS || path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
const driver = path.join(parts, 'node/node_modules/playwright-core/index.mjs');
const chromium = '/usr/bin/chromium';
for (const file of [driver, chromium]) if (!fs.existsSync(file)) fail(`${file} is missing: run tests/real/setup.sh`);

const DEADLINE = Date.now() + 45_000;
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
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'mcpauth-real-browser.'));
process.on('exit', () => fs.rmSync(profile, { recursive: true, force: true, maxRetries: 3 }));
const browser = await (await import(pathToFileURL(driver))).chromium.launch({
  executablePath: chromium,
  headless: true,
  env: { ...env, HOME: profile }, // whatever HOME the program under test was given, Chromium leaves it alone
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--no-first-run',
    // Pages may name the outside (fonts); nothing there is looked up.
    '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
    ...(env.HTTPS_PROXY ? [`--proxy-server=https=${env.HTTPS_PROXY.replace(/^http:\/\//, '')}`, '--ignore-certificate-errors'] : [])],
});
const page = await browser.newPage();
page.setDefaultTimeout(15_000);
const shot = (name) => page.screenshot({ path: path.join(shots, `${name}.png`) });
const text = async () => (await page.locator('body').innerText()).trim();
const brief = async () => (await text()).replace(/\s+/g, ' ').slice(0, 300);

try {
  await page.goto(start, { waitUntil: 'domcontentloaded' });
  const done = new Set();
  // Which page stands there is the provider's choice (it may remember a login): look until it is the callback.
  while (!arrived(page.url())) {
    const step = (await page.locator(PAGES.name).isVisible()) ? 'login' : PAGES.consent && (await page.locator(PAGES.consent).count()) ? 'consent' : undefined;
    if (step) {
      if (done.has(step)) throw new Error(`the ${step} page came back: ${await brief()}`);
      done.add(step);
      await shot(step);
      if (step === 'login') { await page.fill(PAGES.name, 'alice'); await page.fill(PAGES.password, PAGES.secret); }
      const button = page.locator(step === 'login' ? PAGES.submit : PAGES.agree).first();
      await Promise.all([page.waitForEvent('framenavigated'), button.click({ noWaitAfter: true })]);
      await page.waitForLoadState('domcontentloaded');
    } else {
      if (Date.now() > DEADLINE) throw new Error(`no callback, but this page: ${await brief()}`);
      await page.waitForTimeout(50);
    }
  }
  await page.waitForLoadState('load');
  await shot('callback');
  console.log(await text());
} catch (error) {
  // The address is left out: it may hold a code.
  await shot('failure').catch(() => {});
  console.error(`browser: ${String(error?.message ?? error).split('\n')[0]}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
