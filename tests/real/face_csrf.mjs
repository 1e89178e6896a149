// Pages of other sites in headless Chromium, open next to a person's session, send every form of the registry's pages in
// every way that a page can. Prints what the registry answered to each, and whether it let itself be framed or read.
import fs from 'node:fs';
import http from 'node:http';
import { open } from './person.mjs';

const { url, cookie, pages } = JSON.parse(fs.readFileSync(0, 'utf8'));
const browser = await open();
const context = await browser.newContext();
await context.addCookies([{ ...cookie, url, httpOnly: true, sameSite: 'Lax' }]);
const own = await context.newPage();

// Every form that changes something, as the pages have it.
const forms = new Map();
for (const at of pages) {
  await own.goto(url + at);
  const found = await own.$$eval('form', (all) => all.filter((form) => form.method === 'post').map((form) => ({
    action: new URL(form.action).pathname, fields: [...new FormData(form)].map(([name, value]) => [name, String(value)]) })));
  for (const form of found) forms.set(`${form.action} ${form.fields.map(([name]) => name)}`, form);
}

const escape = (text) => text.replace(/[&"<>]/g, (c) => `&#${c.charCodeAt(0)};`);
let [body, policy] = ['', ''];
const server = http.createServer((request, response) => { response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy }); response.end(body); });
await new Promise((done) => server.listen(0, done));
const { port } = server.address();
const results = [];
// Another site, and another port of the same host, to which SameSite=Lax cookies go.
for (const place of [`http://localhost:${port}/`, `http://127.0.0.1:${port}/`]) {
  for (const { action, fields } of forms.values()) {
    const inputs = fields.map(([name, value]) => `<input name="${escape(name)}" value="${escape(value)}">`).join('');
    const form = (more) => `<form id=f method=post action="${url}${action}" ${more}>${inputs}</form>`;
    const send = '<script>f.submit()</script>';
    const data = new URLSearchParams(fields).toString();
    const ways = {
      navigation: form('') + send,
      'text/plain': form('enctype="text/plain"') + send,
      multipart: form('enctype="multipart/form-data"') + send,
      frame: `<iframe name=in></iframe>${form('target=in')}${send}`,
      'no referrer': `<meta name=referrer content=no-referrer>${form('')}${send}`,
      sandbox: form('') + send,
      fetch: `<script>fetch(${JSON.stringify(url + action)},{method:'POST',mode:'no-cors',credentials:'include',headers:{'content-type':'application/x-www-form-urlencoded'},body:${JSON.stringify(data)}})</script>`,
      beacon: `<script>navigator.sendBeacon(${JSON.stringify(url + action)}, new URLSearchParams(${JSON.stringify(fields)}))</script>`,
    };
    for (const [way, text] of Object.entries(ways)) {
      const page = await context.newPage();
      const ours = (request) => request.method() === 'POST' && request.url().startsWith(url);
      // What a page may not read at all, Chromium reports as failed.
      const answered = Promise.any([
        page.waitForResponse((response) => ours(response.request()), { timeout: 15_000 }).then((response) => response.status()),
        page.waitForEvent('requestfailed', { predicate: ours, timeout: 15_000 }).then(() => 'kept from the page'),
      ]);
      body = `<!doctype html>${text}`;
      // In a sandbox a page has no origin, and its forms say `Origin: null`.
      policy = way === 'sandbox' ? 'sandbox allow-scripts allow-forms allow-top-navigation' : '';
      await page.goto(place, { waitUntil: 'commit' });
      const status = await answered.catch(() => 'never sent');
      results.push({ place, action, way, status });
      await page.close();
    }
  }
  policy = '';
  // What a page of another site can read or show of these.
  const page = await context.newPage();
  body = `<!doctype html><iframe src="${url}/me"></iframe>`;
  await page.goto(place, { waitUntil: 'load' });
  const inner = page.frames()[1];
  // A frame that is refused shows Chromium's own words, and nothing of the page.
  const framed = inner ? await inner.evaluate(() => document.querySelector('.brand') ? document.body.innerText : '').catch(() => '') : '';
  const read = await page.evaluate(async (at) => {
    const tried = await Promise.all(['/api/servers', '/me', '/api/auth/me', '/api/tokens'].map((path) =>
      fetch(at + path, { credentials: 'include' }).then((answer) => answer.text(), () => '')));
    return tried.join('');
  }, url);
  results.push({ place, framed, read });
  await page.close();
}
server.close();
await browser.close();
console.log(JSON.stringify({ forms: [...forms.keys()], results }));
