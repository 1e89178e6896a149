// Preloaded (node --import) into servers that have no way to say where they listen: they open 127.0.0.1 alone.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  if (!/^\d+$/.test(String(args[0]))) return listen.apply(this, args);
  const ready = args.find((arg) => typeof arg === 'function');
  return listen.call(this, { port: Number(args[0]), host: '127.0.0.1' }, ready);
};
