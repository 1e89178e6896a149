// The MCP SDK for TypeScript as a client that is given its headers: lists a server's tools and calls one.
// usage: tssdk.mjs v1|v2 MODE URL TOOL ARGUMENTS
// v1 is @modelcontextprotocol/sdk, v2 @modelcontextprotocol/client. MODE is auto or legacy, v2's alone.
// HEADERS in the environment: a JSON object of headers to send with every request.
// Prints one line of JSON: sdk, protocol (what was agreed), tools (names in order), call (text, is_error) and error (type, message,
// status, code), which is null if all went well.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [generation, mode, url, tool, given] = process.argv.slice(2);
// The packages are in the cache folder, so plain imports would not find them from here.
const parts = process.env.MCPAUTH_REAL_PARTS || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
const installed = (name) => path.join(parts, 'node/node_modules/@modelcontextprotocol', name);
const load = (name, file) => import(pathToFileURL(path.join(installed(name), file)));
const version = (name) => JSON.parse(fs.readFileSync(path.join(installed(name), 'package.json'), 'utf8')).version;

const identity = { name: 'mcpauth-tests', version: '0' };
const generations = {
  async v1() {
    const [{ Client }, http] = await Promise.all([load('sdk', 'dist/esm/client/index.js'), load('sdk', 'dist/esm/client/streamableHttp.js')]);
    return { sdk: version('sdk'), Transport: http.StreamableHTTPClientTransport, client: new Client(identity) };
  },
  async v2() {
    const { Client, StreamableHTTPClientTransport } = await load('client', 'dist/index.mjs');
    return { sdk: version('client'), Transport: StreamableHTTPClientTransport, client: new Client(identity, { versionNegotiation: { mode } }) };
  },
};

async function work(result) {
  const { sdk, Transport, client } = await generations[generation]();
  result.sdk = sdk;
  const transport = new Transport(new URL(url), { requestInit: { headers: JSON.parse(process.env.HEADERS || '{}') } });
  await client.connect(transport);
  result.protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  result.tools = (await client.listTools()).tools.map((each) => each.name);
  const answer = await client.callTool({ name: tool, arguments: JSON.parse(given) });
  result.call = { text: answer.content.map((part) => part.text ?? '').join(''), is_error: Boolean(answer.isError) };
  await client.close();
}

const result = { error: null };
const limit = new Promise((_, reject) => { setTimeout(reject, 60_000, new Error('not done within 60 s')).unref(); });
try {
  await Promise.race([work(result), limit]);
} catch (error) {
  result.error = { type: error.constructor.name, message: String(error.message), status: error.status ?? null, code: error.code ?? null };
}
console.log(JSON.stringify(result));
process.exit(0);
