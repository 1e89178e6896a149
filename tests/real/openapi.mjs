// Whether answers are as the official registry's published OpenAPI document says. On standard input: a list of
// {address, status, body}, each address as the document writes it. Prints a list of findings for each answer.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const parts = process.env.MCPAUTH_REAL_PARTS;
const require = createRequire(join(parts, 'node', 'package.json'));
const { default: Ajv } = require('ajv/dist/2020.js');
const { default: addFormats } = require('ajv-formats');
const { parse } = require('yaml');

const { $id, ...document } = parse(readFileSync(join(parts, 'registry', 'openapi.yaml'), 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, 'registry');
const escaped = (part) => part.replaceAll('~', '~0').replaceAll('/', '~1');
const findings = JSON.parse(readFileSync(0, 'utf8')).map(({ address, status, body }) => {
  const answer = document.paths[address]?.get?.responses?.[status];
  if (!answer) return [`${address} answers nothing with ${status}`];
  const at = ['paths', address, 'get', 'responses', String(status), 'content', 'application/json', 'schema'];
  const check = ajv.compile({ $ref: `registry#/${at.map(escaped).join('/')}` });
  return check(body) ? [] : check.errors.map((error) => `${error.instancePath} ${error.message}`);
});
console.log(JSON.stringify(findings));
