// A cheap MCP server for the benchmark: streamable HTTP on loopback with a session, answers in JSON at once, or as an
// event stream with `sse`. Prints its port. What it is asked costs it next to nothing, so that the proxy shows.
import http from 'node:http';

const stream = process.argv[2] === 'sse';
const tool = { name: 'echo', description: 'Says it again', inputSchema: { type: 'object', properties: { message: { type: 'string' } } } };
const results = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } }),
  'tools/list': () => ({ tools: [tool] }),
  'tools/call': ({ arguments: given }) => ({ content: [{ type: 'text', text: given.message }] }),
};

const answer = (req, res, body) => {
  if (req.headers['x-authorization'] !== `Bearer ${'x'.repeat(900)}`) return res.writeHead(401).end();
  const message = JSON.parse(body);
  if (message.id === undefined) return res.writeHead(202).end();
  const result = results[message.method]?.(message.params);
  const said = result ? { result } : { error: { code: -32601, message: 'no such method' } };
  const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said });
  const kind = stream ? 'text/event-stream' : 'application/json';
  res.writeHead(200, { 'content-type': kind, 'mcp-session-id': 'bench' }).end(stream ? `event: message\ndata: ${text}\n\n` : text);
};

const server = http.createServer((req, res) => {
  if (req.method === 'DELETE') return res.writeHead(200).end();
  if (req.method !== 'POST') return res.writeHead(405).end();
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk)).on('end', () => answer(req, res, Buffer.concat(chunks)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
