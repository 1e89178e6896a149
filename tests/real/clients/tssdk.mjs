// The MCP SDK for TypeScript as a client that is given its headers: lists a server's tools and calls one.
// usage: tssdk.mjs v1|v2 MODE URL TOOL ARGUMENTS
// v1 is @modelcontextprotocol/sdk, v2 @modelcontextprotocol/client. MODE is auto or legacy, v2's alone.
// HEADERS in the environment: a JSON object of headers to send with every request.
// Prints one line of JSON: sdk, protocol (what was agreed), tools (names in order), call (text, is_error) and error (type, message,
// status, code), which is null if all went well.
import { overHttp, report } from './typescript.mjs';

const [generation, mode, url, tool, given] = process.argv.slice(2);

async function work(result) {
  const { sdk, Transport, make } = await overHttp(generation, mode);
  const client = make();
  result.sdk = sdk;
  const transport = new Transport(new URL(url), { requestInit: { headers: JSON.parse(process.env.HEADERS || '{}') } });
  await client.connect(transport);
  result.protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  result.tools = (await client.listTools()).tools.map((each) => each.name);
  const answer = await client.callTool({ name: tool, arguments: JSON.parse(given) });
  result.call = { text: answer.content.map((part) => part.text ?? '').join(''), is_error: Boolean(answer.isError) };
  await client.close();
}

const result = {};
await report(result, work, 60);
console.log(JSON.stringify(result));
process.exit(0);
