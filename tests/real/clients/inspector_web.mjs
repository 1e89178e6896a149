// Whoever clicks in the Inspector's page, see inspector_web.sh.
// usage: inspector_web.mjs KIND PAGE TOOL
import { logIn, open, text } from '../person.mjs';

const [kind, address, tool] = process.argv.slice(2);
const result = { error: null };
const browser = await open();
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(30_000);
  await page.goto(address);
  result.sdk = `Inspector ${await page.getByText(/^v\d+\.\d+\.\d+$/).innerText()}`;
  const home = new URL(address).origin;
  // The switch connects; a page of the provider's takes its place, and the Inspector's comes back.
  await page.getByRole('switch').first().click({ force: true });
  await page.waitForURL((url) => url.origin !== home);
  await logIn(page, kind, (href) => new URL(href).origin === home);
  await page.getByText('Connected', { exact: true }).first().waitFor();
  await page.getByText('Tools', { exact: true }).first().click();
  await page.getByText(tool, { exact: true }).first().click();
  result.tools = [await page.getByText(/^Tools \(\d+\)$/).innerText(), tool];
  await page.getByRole('button', { name: 'Execute Tool' }).click();
  await page.getByText('Results', { exact: true }).waitFor();
  result.call = await text(page);
} catch (error) {
  result.error = { type: error.constructor.name, message: String(error.message).split('\n')[0] };
} finally {
  await browser.close();
}
console.log(JSON.stringify(result));
