// The MCP SDK for TypeScript over a bridge without a login, as a client that opens addresses for a person: it agrees, opens
// the page, presses its button and has $BROWSER log alice in where that leads.
// usage: asked_login.mjs v1|v2 MODE TOOL COMMAND [ARGUMENT...]      MODE is auto, legacy or a revision (v2's alone)
// FORGET is a file that is removed once the connection is there: a login that was there and is lost.
// Prints one line of JSON: sdk, protocol, asked (how often), completed, call (text) and error.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { identity, load, version } from './typescript.mjs';

const [generation, mode, tool, command, ...args] = process.argv.slice(2);
const result = { asked: 0, completed: false, error: null };
const capabilities = { elicitation: { url: {} } };

/** What a person does with the address: looks, presses, logs in. */
async function open(page) {
  const shown = await fetch(page);
  if (!(await shown.text()).includes('<form')) throw new Error('the page has no button');
  const sent = await fetch(page, { method: 'POST', redirect: 'manual', headers: { origin: new URL(page).origin } });
  spawn(process.env.BROWSER, [sent.headers.get('location')], { stdio: 'ignore' });
}

async function answer({ params }) {
  result.asked += 1;
  if (params.mode !== 'url') return { action: 'decline' };
  await open(params.url);
  return { action: 'accept' };
}

async function made() {
  if (generation === 'v1') {
    const { Client } = await load('sdk', 'dist/esm/client/index.js');
    const { StdioClientTransport } = await load('sdk', 'dist/esm/client/stdio.js');
    const types = await load('sdk', 'dist/esm/types.js');
    const client = new Client(identity, { capabilities });
    client.setRequestHandler(types.ElicitRequestSchema, answer);
    client.setNotificationHandler(types.ElicitationCompleteNotificationSchema, () => { result.completed = true; });
    return { client, transport: new StdioClientTransport({ command, args, env: process.env }), sdk: version('sdk') };
  }
  const { Client } = await load('client', 'dist/index.mjs');
  const { StdioClientTransport } = await load('client', 'dist/stdio.mjs');
  const pinned = ['auto', 'legacy'].includes(mode) ? mode : { pin: mode };
  const client = new Client(identity, { capabilities, versionNegotiation: { mode: pinned } });
  client.setRequestHandler('elicitation/create', answer);
  client.setNotificationHandler('notifications/elicitation/complete', () => { result.completed = true; });
  return { client, transport: new StdioClientTransport({ command, args, env: process.env }), sdk: version('client') };
}

let client;
try {
  const { transport, sdk, ...rest } = await made();
  ({ client } = rest);
  result.sdk = sdk;
  transport.setProtocolVersion ??= (agreed) => { result.protocol = agreed; }; // v1 tells nobody else
  await client.connect(transport);
  result.protocol ??= client.getNegotiatedProtocolVersion();
  if (process.env.FORGET) fs.rmSync(process.env.FORGET);
  else result.tools = (await client.listTools()).tools.map((one) => one.name);
  result.call = (await client.callTool({ name: tool, arguments: {} })).content.map((part) => part.text ?? '').join('');
} catch (error) {
  result.error = { type: error.constructor.name, message: String(error.message), status: null, code: error.code ?? null };
}
await client?.close().catch(() => {});
console.log(JSON.stringify(result));
process.exit(0);
