#!/usr/bin/env node
'use strict';
// Starts the binary that this platform's package holds, and is as if it were not there: streams, signals and the
// exit code pass. It asks nothing of the network and writes nothing.
const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const platform = `${process.platform}-${process.arch}`;
const name = process.platform === 'win32' ? 'mcpauth.exe' : 'mcpauth';
let binary;
try {
  binary = require.resolve(`@mcpauth/${platform}/bin/${name}`);
} catch {
  console.error(`error: the package @mcpauth/${platform} is not installed
  -> npm install mcpauth --include=optional, or on a platform without a package: cargo install mcpauth`);
  process.exit(1);
}

const child = spawn(binary, process.argv.slice(2), { stdio: 'inherit' });
// A terminal sends Ctrl-C to the child as well: passed on, it would arrive twice, and the second one means "at once".
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`error: ${binary} cannot be started: ${error.message}`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
