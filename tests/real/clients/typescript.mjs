// What the programs here share that use the MCP SDK for TypeScript: v1 is @modelcontextprotocol/sdk, v2 @modelcontextprotocol/client.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

// The packages are in the cache folder, so plain imports would not find them from here.
const parts = process.env.MCPAUTH_REAL_PARTS || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
const installed = (name) => path.join(parts, 'node/node_modules/@modelcontextprotocol', name);
export const load = (name, file) => import(pathToFileURL(path.join(installed(name), file)));
export const version = (name) => JSON.parse(fs.readFileSync(path.join(installed(name), 'package.json'), 'utf8')).version;

export const identity = { name: 'mcpauth-tests', version: '0' };

/** How a generation's client over streamable HTTP is made; MODE is v2's alone. */
export async function overHttp(generation, mode) {
  if (generation === 'v1') {
    const [{ Client }, http] = await Promise.all([load('sdk', 'dist/esm/client/index.js'), load('sdk', 'dist/esm/client/streamableHttp.js')]);
    return { sdk: version('sdk'), Transport: http.StreamableHTTPClientTransport, make: () => new Client(identity) };
  }
  const { Client, StreamableHTTPClientTransport } = await load('client', 'dist/index.mjs');
  return { sdk: version('client'), Transport: StreamableHTTPClientTransport, make: () => new Client(identity, { versionNegotiation: { mode } }) };
}

/** Runs `work(result)` and prints the result in a line of JSON, with `error`: null, or what ended the work. */
export async function report(result, work, seconds) {
  result.error = null;
  const limit = new Promise((_, reject) => { setTimeout(reject, seconds * 1000, new Error(`not done within ${seconds} s`)).unref(); });
  try {
    await Promise.race([work(result), limit]);
  } catch (error) {
    result.error = { type: error.constructor.name, message: String(error.message), status: error.status ?? null, code: error.code ?? null };
  }
}
