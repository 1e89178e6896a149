// A reverse proxy on loopback that leaves what passes alone, Host included, and streams it; except:
//   TOKEN in the environment     `X-Authorization: Bearer $TOKEN` is added to every request, for clients that cannot
//                                send a header of their own (the conformance suite)
//   --record FILE                the head of every request is appended to FILE as it came, header by header, each
//                                followed by an empty line; bodies are not kept
// usage: relay.mjs TARGET [--record FILE] [--watch-stdin]      prints `READY <base>`, KEY=VALUE lines, then END
// The path of TARGET comes before the client's: with http://127.0.0.1:8080/demo a client's /mcp is /demo/mcp.
import fs from 'node:fs';
import http from 'node:http';

const { hostname, port, pathname } = new URL(process.argv[2]);
const prefix = pathname.replace(/\/$/, '');
const added = process.env.TOKEN ? ['X-Authorization', `Bearer ${process.env.TOKEN}`] : [];
const option = process.argv.indexOf('--record');
const record = option > 0 ? process.argv[option + 1] : null;
if (record) fs.writeFileSync(record, '', { mode: 0o600 });

const head = ({ method, url, httpVersion, rawHeaders }) => {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
};
const server = http.createServer((req, res) => {
  if (record) fs.appendFileSync(record, head(req));
  const asked = { hostname, port, method: req.method, path: prefix + req.url, headers: [...req.rawHeaders, ...added], setHost: false };
  const up = http.request(asked, (answer) => {
    res.writeHead(answer.statusCode, answer.rawHeaders);
    res.flushHeaders(); // a stream may stay silent for long
    answer.pipe(res);
    answer.on('error', () => res.destroy());
  });
  up.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
  res.on('close', () => up.destroy()); // who goes away is gone for the server too
  req.pipe(up);
});
server.listen(0, '127.0.0.1', () => {
  const at = server.address().port;
  // The suite's check for DNS rebinding wants the name, not the number.
  console.log(`READY http://127.0.0.1:${at}\nMCP_URL=http://127.0.0.1:${at}/mcp\nNAMED_URL=http://localhost:${at}/mcp\nEND`);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
if (process.argv.includes('--watch-stdin')) process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
