// A forward proxy on loopback that leads nowhere: it notes what was to be reached, one `CONNECT host:port` a line,
// and refuses. So a part that wants to go out is seen, and stays inside.
// usage: deadend.mjs FILE      prints `READY <base>` and END
import fs from 'node:fs';
import http from 'node:http';

const [file] = process.argv.slice(2);
fs.writeFileSync(file, '');
const note = (req) => fs.appendFileSync(file, `${req.method} ${req.url}\n`);
const server = http.createServer((req, res) => { note(req); res.writeHead(502).end(); });
server.on('connect', (req, socket) => { note(req); socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'); });
server.listen(0, '127.0.0.1', () => console.log(`READY http://127.0.0.1:${server.address().port}\nEND`));
