// A client of the official conformance suite that reaches the suite's server through `mcpauth bridge`: what the suite
// judges is what the bridge says over HTTP. Raw messages, so that no library's own repairs stand between.
// usage: node bridge_conformance.mjs URL   (MCPAUTH names the binary, MCP_CONFORMANCE_SCENARIO the scenario)
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const url = process.argv.at(-1);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const modern = /^(request-metadata|http-|sep-2322|json-schema-ref)/.test(scenario) || process.env.MODERN === '1';

const bridge = spawn(process.env.MCPAUTH, ['bridge', url], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map();
let next = 1;

const send = (message) => bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  'io.modelcontextprotocol/clientInfo': { name: 'bridge', version: '1.0.0' },
};
const ask = (method, params = {}) => {
  const id = next++;
  const answered = new Promise((resolve) => waiting.set(id, resolve));
  send({ id, method, params: modern ? { ...params, _meta: meta } : params });
  return answered;
};

// What a person would leave as it is: the defaults of a form.
const defaults = (schema) => Object.fromEntries(
  Object.entries(schema?.properties ?? {}).filter(([, field]) => 'default' in field).map(([key, field]) => [key, field.default]));

createInterface({ input: bridge.stdout }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.method === 'elicitation/create') {
    send({ id: message.id, result: { action: 'accept', content: defaults(message.params.requestedSchema) } });
  } else if (message.method === undefined) {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  }
});

const argumentsFor = (tool) => Object.fromEntries(Object.entries(tool.inputSchema?.properties ?? {}).map(([key, field]) =>
  [key, field.type === 'string' ? 'text' : field.type === 'boolean' ? true : field.type === 'object' ? (key === 'schema' ? focal?.inputSchema : {}) : 2]));

if (modern) {
  await ask('server/discover');
} else {
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: { elicitation: { form: { applyDefaults: true } } },
    clientInfo: { name: 'bridge', version: '1.0.0' } });
  send({ method: 'notifications/initialized' });
}
const list = await ask('tools/list');
// One tool is there to be told another one's schema, as it arrived.
const focal = (list.result?.tools ?? []).find((tool) => tool.name.includes('json_schema_2020_12'));
const calls = context.toolCalls ?? (list.result?.tools ?? []).map((tool) => ({ name: tool.name, arguments: argumentsFor(tool) }));
for (const call of calls) {
  let answer = await ask('tools/call', { name: call.name, arguments: call.arguments });
  // 2026-07-28, multi round-trip requests: the input is sent with the same call.
  for (let round = 0; round < 5 && answer.result?.resultType === 'input_required'; round++) {
    const inputs = Object.fromEntries(Object.entries(answer.result.inputRequests ?? {}).map(([key, request]) =>
      [key, { action: 'accept', content: defaults(request.params?.requestedSchema) }]));
    const state = 'requestState' in answer.result ? { requestState: answer.result.requestState } : {};
    answer = await ask('tools/call', { name: call.name, arguments: call.arguments, inputResponses: inputs, ...state });
  }
}
if (modern) {
  for (const [method, key, of] of [['prompts', 'name', 'get'], ['resources', 'uri', 'read']]) {
    const found = await ask(`${method}/list`);
    for (const one of found.result?.[method] ?? []) await ask(`${method}/${of}`, { [key]: one[key] });
  }
}
bridge.stdin.end();
await new Promise((resolve) => bridge.once('exit', resolve));
