// The MCP SDK for TypeScript as a client that knows a server's address and nothing else: it finds out whom to ask,
// registers (or is the client CLIENT_ID), has $BROWSER log alice in, and calls a tool.
// usage: discovering.mjs v1|v2 MODE URL TOOL
// v1 is @modelcontextprotocol/sdk, v2 @modelcontextprotocol/client. MODE is auto or legacy, v2's alone.
// Prints one line of JSON: sdk, protocol, client (its id), logins (the scopes asked for in each), tools (names in order), call
// (its text) and error (type, message, status, code), which is null if all went well.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { overHttp, report } from './typescript.mjs';

const [generation, mode, url, tool] = process.argv.slice(2);

/** Where the browser ends up; hands out the parameters of each callback in turn. */
async function callbacks() {
  const waiting = [];
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('Logged in.');
    const asked = new URL(request.url, 'http://127.0.0.1');
    if (asked.pathname === '/callback') waiting.shift()?.(asked.searchParams);
  });
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
  return { address: `http://127.0.0.1:${server.address().port}/callback`, next: () => new Promise((resolve) => { waiting.push(resolve); }) };
}

/** Keeps what a login needs in memory, as the SDK's own examples do. */
class Person {
  logins = [];
  constructor(callback, known) { this.callback = callback; this.client = known && { client_id: known }; }
  get redirectUrl() { return this.callback.address; }
  get clientMetadata() {
    return { client_name: 'mcpauth-tests', redirect_uris: [this.callback.address], grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'], token_endpoint_auth_method: 'none' };
  }
  state() { this.expected = crypto.randomUUID(); return this.expected; }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  saveDiscoveryState(state) { this.found = state; }
  discoveryState() { return this.found; }
  redirectToAuthorization(address) {
    this.logins.push(address.searchParams.get('scope'));
    this.answer = this.callback.next();
    spawn(process.env.BROWSER, [address.href], { stdio: 'ignore' });
  }
}

/** Does something; where a login is wanted for it, has it done and tries again. */
async function patiently(person, sdk, transport, attempt) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error.constructor.name !== 'UnauthorizedError' || person.logins.length > 3) throw error;
      const answer = await person.answer;
      if (answer.get('state') !== person.expected) throw new Error('another login was answered');
      await (sdk.startsWith('1.') ? transport().finishAuth(answer.get('code')) : transport().finishAuth(answer));
    }
  }
}

async function work(result) {
  const { sdk, Transport, make } = await overHttp(generation, mode);
  const person = new Person(await callbacks(), process.env.CLIENT_ID);
  Object.assign(result, { sdk, logins: person.logins });
  let transport, client;
  const connect = async () => {
    transport = new Transport(new URL(url), { authProvider: person });
    transport.setProtocolVersion ??= (agreed) => { result.protocol = agreed; };
    client = make();
    await client.connect(transport);
  };
  await patiently(person, sdk, () => transport, connect);
  result.protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  result.tools = (await client.listTools()).tools.map((each) => each.name);
  const call = () => client.callTool({ name: tool, arguments: {} });
  result.call = (await patiently(person, sdk, () => transport, call)).content.map((part) => part.text ?? '').join('');
  result.client = person.client.client_id;
  await client.close();
}

const result = {};
await report(result, work, 90);
console.log(JSON.stringify(result));
process.exit(0);
