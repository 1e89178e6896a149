// The MCP SDK for TypeScript over a server that is a command, through all that a client may see.
// usage: stdio_paces.mjs v1|v2 add|everything MODE COMMAND [ARGUMENT...]
// v1 is @modelcontextprotocol/sdk, v2 @modelcontextprotocol/client. `add` wants a server with that tool, `everything`
// wants server-everything. MODE is auto or legacy, v2's alone.
// Prints one line of JSON with the members stdio_paces.py says.
import { identity, load, report, version } from './typescript.mjs';

const [generation, paces, mode, command, ...args] = process.argv.slice(2);

const RESOURCE = 'demo://resource/static/document/features.md';
const capabilities = paces === 'add' ? {} : { sampling: {}, elicitation: {}, roots: {} };
const env = process.env;

/** How a generation is made, given its answers to the server and told of its notes; then the same methods serve both. */
const generations = {
  async v1() {
    const { Client } = await load('sdk', 'dist/esm/client/index.js');
    const { StdioClientTransport } = await load('sdk', 'dist/esm/client/stdio.js');
    const types = await load('sdk', 'dist/esm/types.js');
    const schemas = { 'sampling/createMessage': types.CreateMessageRequestSchema, 'elicitation/create': types.ElicitRequestSchema,
      'roots/list': types.ListRootsRequestSchema, 'notifications/message': types.LoggingMessageNotificationSchema,
      'notifications/resources/updated': types.ResourceUpdatedNotificationSchema };
    const client = new Client(identity, { capabilities });
    return { client, key: (method) => schemas[method], transport: new StdioClientTransport({ command, args, env }), sdk: version('sdk'),
      call: (params, options) => client.callTool(params, undefined, options) };
  },
  async v2() {
    const { Client } = await load('client', 'dist/index.mjs');
    const { StdioClientTransport } = await load('client', 'dist/stdio.mjs');
    const client = new Client(identity, { capabilities, versionNegotiation: { mode } });
    return { client, key: (method) => method, transport: new StdioClientTransport({ command, args, env }), sdk: version('client'),
      call: (params, options) => client.callTool(params, options) };
  },
};

const made = await generations[generation]();
const { client, key } = made;
const call = async (name, given = {}, options = {}) =>
  (await made.call({ name, arguments: given }, options)).content.map((part) => part.text ?? '').join('');
const once = (method) => new Promise((resolve) => client.setNotificationHandler(key(method), () => resolve(true)));

/** Gives a long call up once it is seen to run. */
async function cancel() {
  const control = new AbortController();
  const given_up = call('trigger-long-running-operation', { duration: 90, steps: 900 }, { signal: control.signal, onprogress: () => control.abort('enough') })
    .then(() => false, () => true);
  return (await given_up) && (await call('echo', { message: 'after' })) === 'Echo: after';
}

async function everything(result, log, updated) {
  const steps = [];
  await call('trigger-long-running-operation', { duration: 0.3, steps: 3 }, { onprogress: ({ progress, total }) => steps.push([progress, total]) });
  result.progress = steps;
  result.cancelled = await cancel();
  result.sampled = await call('trigger-sampling-request', { prompt: 'what?' });
  result.elicited = await call('trigger-elicitation-request');
  result.roots = await call('get-roots-list');
  const together = ['a', 'b', 'c'].map(async (name) => [name, await call('echo', { message: name })]);
  result.together = Object.fromEntries(await Promise.all(together));
  await call('toggle-simulated-logging');
  result.log = await log;
  await client.subscribeResource({ uri: RESOURCE });
  await call('toggle-subscriber-updates');
  result.updated = await updated;
}

async function work(result) {
  result.sdk = made.sdk;
  if (paces !== 'add') {
    client.setRequestHandler(key('sampling/createMessage'), ({ params }) =>
      ({ role: 'assistant', model: 'nobody', content: { type: 'text', text: `heard: ${[params.messages[0].content].flat()[0].text}` } }));
    client.setRequestHandler(key('elicitation/create'), () => ({ action: 'accept', content: { name: 'Alice', check: true } }));
    client.setRequestHandler(key('roots/list'), () => ({ roots: [{ uri: 'file:///tmp/root-of-alice', name: 'alice' }] }));
  }
  const notes = [once('notifications/message'), once('notifications/resources/updated')];
  made.transport.setProtocolVersion ??= (agreed) => { result.protocol = agreed; }; // v1 tells nobody else
  await client.connect(made.transport);
  result.protocol ??= client.getNegotiatedProtocolVersion();
  result.server = client.getServerVersion().name;
  result.tools = (await client.listTools()).tools.map((tool) => tool.name);
  if (paces === 'add') result.call = await call('add', { a: 2, b: 3 });
  else {
    result.call = await call('echo', { message: 'hello' });
    await everything(result, ...notes);
  }
}

const result = {};
await report(result, work, 60);
await client.close().catch(() => {});
console.log(JSON.stringify(result));
process.exit(0);
