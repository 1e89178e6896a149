// The user in front of headless Chromium, for the scripts that need one: starts the browser, and logs in as alice at a
// provider's pages, consenting where asked. It leaves what is opened, and where it should end, to them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const env = process.env;
const parts = env.MCPAUTH_REAL_PARTS || path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
const driver = path.join(parts, 'node/node_modules/playwright-core/index.mjs');
const chromium = '/usr/bin/chromium';

export const PAGES = {
  'oidc-provider': { name: 'input[name=login]', password: 'input[name=password]', secret: 'any', submit: 'button[type=submit]', consent: 'form:has(input[name=prompt][value=consent])', agree: 'button[type=submit]' },
  ministack: { name: '#username', password: '#password', secret: 'Passw0rd!', submit: 'button[type=submit]' },
  keycloak: { name: '#username', password: '#password', secret: 'alice', submit: '#kc-login', consent: '[name=accept]', agree: '[name=accept]' },
};

/** A browser with a profile that goes away. With HTTPS_PROXY set https pages are fetched through it, whatever their certificate. */
export async function open() {
  for (const file of [driver, chromium]) if (!fs.existsSync(file)) throw new Error(`${file} is missing: run tests/real/setup.sh`);
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'mcpauth-real-browser.'));
  process.on('exit', () => fs.rmSync(profile, { recursive: true, force: true, maxRetries: 3 }));
  return (await import(pathToFileURL(driver))).chromium.launch({
    executablePath: chromium,
    headless: true,
    env: { ...env, HOME: profile }, // whatever HOME the program under test was given, Chromium leaves it alone
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--no-first-run',
      // Pages may name the outside (fonts); nothing there is looked up.
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
      ...(env.HTTPS_PROXY ? [`--proxy-server=https=${env.HTTPS_PROXY.replace(/^http:\/\//, '')}`, '--ignore-certificate-errors'] : [])],
  });
}

/** What a page shows. */
export const text = async (page) => (await page.locator('body').innerText()).trim();

/** Goes through a provider's pages until `arrived(address)`; `before(step)` is told of each. */
export async function logIn(page, kind, arrived, before = async () => {}) {
  const [is, done, deadline] = [PAGES[kind], new Set(), Date.now() + 45_000];
  const brief = async () => (await text(page)).replace(/\s+/g, ' ').slice(0, 300);
  // Which page stands there is the provider's choice (it may remember a login): look until it is the end.
  while (!arrived(page.url())) {
    const step = (await page.locator(is.name).isVisible()) ? 'login' : is.consent && (await page.locator(is.consent).count()) ? 'consent' : undefined;
    if (step) {
      if (done.has(step)) throw new Error(`the ${step} page came back: ${await brief()}`);
      done.add(step);
      await before(step);
      if (step === 'login') { await page.fill(is.name, 'alice'); await page.fill(is.password, is.secret); }
      const button = page.locator(step === 'login' ? is.submit : is.agree).first();
      await Promise.all([page.waitForEvent('framenavigated'), button.click({ noWaitAfter: true })]);
      await page.waitForLoadState('domcontentloaded');
    } else {
      if (Date.now() > deadline) throw new Error(`no callback, but this page: ${await brief()}`);
      await page.waitForTimeout(50);
    }
  }
}
