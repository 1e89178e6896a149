// A certified OpenID provider on loopback, to prove mcpauth against software nobody here wrote.
// Everything is in memory. Prints `READY <base>`, the seeded values as KEY=VALUE lines, then END.
// POST KEYS_URL/publish adds signing keys that sign nothing yet, /switch signs with the newest, /drop forgets the others.
// usage: server.mjs [--watch-stdin]    with --watch-stdin it ends when its standard input does
// PORT                  a port to listen on; 0 or nothing: a free one (the issuer is the real base)
// MCPAUTH_REAL_JWK      the public key (JWK, JSON) of the client `m2m-jwt` (private_key_jwt, ES256), or
// MCPAUTH_REAL_JWK_FILE the file it stands in; without either that client does not exist
// REFRESH=any           a refresh token for every login of a client that may have one, also without the scope offline_access
// ACCESS_TOKEN_TTL      seconds an access token lives (default 300)
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const env = process.env;
const parts = env.MCPAUTH_REAL_PARTS || path.join(env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mcpauth-real-parts');
// The packages are in the cache folder, so plain imports would not find them from here.
const installed = async (name, file) => {
  const target = path.join(parts, 'node/node_modules', name, file);
  if (!fs.existsSync(target)) { console.error(`${name} is missing: run tests/real/setup.sh`); process.exit(1); }
  return import(pathToFileURL(target));
};
const oidc = await installed('oidc-provider', 'lib/index.js');
const { createMemoryAdapter } = await installed('oidc-provider', 'lib/adapters/memory_adapter.js');
const { generateKeyPair, exportJWK } = await installed('jose', 'dist/webapi/index.js');

console.info = console.error; // the library's notices: nobody reads standard output after the announcement

const TTL = Number(env.ACCESS_TOKEN_TTL || 300);
const [RESOURCE, OPAQUE] = ['https://gateway.test', 'https://opaque.test']; // whose tokens are JWTs, and whose are not
const SECRET = 's+p/c=ial:%&';
const RESOURCE_SCOPES = 'mcp-servers-restricted/execute mcp-servers-restricted/read mcp:tools';
const USER_SCOPES = `openid offline_access email profile groups ${RESOURCE_SCOPES}`;
const USERS = { alice: { email: 'alice@example.test', name: 'Alice Example', groups: ['mcp-admins', 'devs'] } };

const machine = (client_id, token_endpoint_auth_method, more) =>
  ({ client_id, token_endpoint_auth_method, grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: RESOURCE_SCOPES, ...more });
const publicJwk = env.MCPAUTH_REAL_JWK || (env.MCPAUTH_REAL_JWK_FILE && fs.readFileSync(env.MCPAUTH_REAL_JWK_FILE, 'utf8'));
const clients = [
  machine('m2m', 'client_secret_basic', { client_secret: SECRET }),
  machine('m2m:odd id', 'client_secret_basic', { client_secret: SECRET }), // a colon and a blank in the id itself
  machine('m2m-post', 'client_secret_post', { client_secret: SECRET }),
  // RFC 8252: a native client's loopback redirect matches on any port.
  { client_id: 'cli', application_type: 'native', token_endpoint_auth_method: 'none', response_types: ['code'], scope: USER_SCOPES,
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback', 'http://[::1]/callback'] },
  { client_id: 'web', application_type: 'native', client_secret: SECRET, response_types: ['code'], scope: USER_SCOPES,
    grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'] },
];
// A resource server: all it may do is ask about tokens (RFC 7662).
clients.push({ client_id: 'rs', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic', grant_types: [], response_types: [], redirect_uris: [] });
if (publicJwk) {
  const jwk = JSON.parse(publicJwk);
  clients.push(machine('m2m-jwt', 'private_key_jwt', { jwks: jwk.keys ? jwk : { keys: [jwk] }, token_endpoint_auth_signing_alg: 'ES256' }));
}

const signingKey = async (alg, kid) => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' };
};
const adapter = createMemoryAdapter(); // one for all, so that grants, sessions and opaque tokens outlive new keys
let generation = 0;
const newKeys = async () => { generation += 1; return [await signingKey('RS256', `rs-${generation}`), await signingKey('ES256', `es-${generation}`)]; };
let keys = await newKeys();
// The first key of an algorithm signs, all are published.
const steps = {
  publish: async () => [...keys, ...(await newKeys())],
  switch: async () => [...keys.slice(-2), ...keys.slice(0, -2)],
  drop: async () => keys.slice(0, 2),
};

function provider(issuer) {
  const p = new oidc.Provider(issuer, {
    adapter,
    clients,
    jwks: { keys },
    scopes: USER_SCOPES.split(' '),
    claims: { openid: ['sub'], email: ['email'], profile: ['name'], groups: ['groups'] },
    cookies: { keys: ['only-for-tests'] },
    pkce: { required: () => true },
    ttl: { AccessToken: TTL, ClientCredentials: TTL, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600, IdToken: 300, DeviceCode: 120, AuthorizationCode: 60 },
    rotateRefreshToken: true,
    issueRefreshToken: async (ctx, client, source) => client.grantTypeAllowed('refresh_token') && (env.REFRESH === 'any' || source.scopes.has('offline_access')),
    expiresWithSession: async () => false,
    findAccount: async (ctx, sub) => (USERS[sub] ? { accountId: sub, claims: async () => ({ sub, ...USERS[sub] }) } : undefined),
    extraTokenClaims: async (ctx, token) => (USERS[token.accountId] ? { groups: USERS[token.accountId].groups, username: token.accountId } : { groups: ['svc'] }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      registration: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7) },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // An access token is a JWT only where a resource is meant; who asks for none gets this one.
        defaultResource: async (ctx, client, oneOf) => oneOf || 'urn:default',
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, resource) => {
          if (/forbidden/.test(resource)) throw new oidc.errors.InvalidTarget();
          return { scope: RESOURCE_SCOPES, audience: resource, accessTokenFormat: /opaque/.test(resource) ? 'opaque' : 'jwt', accessTokenTTL: TTL,
            jwt: { sign: { alg: /es256/i.test(resource) ? 'ES256' : 'RS256' } } };
        },
      },
    },
  });
  p.on('server_error', (ctx, err) => console.error('server_error', err));
  p.on('grant.error', (ctx, err) => console.error('grant.error', err.error, err.error_description, err.error_detail ?? ''));
  return p;
}

let answer; // the issuer holds the port, so it is made once the port is known
async function rotate(step, res) {
  if (!steps[step]) return res.writeHead(404).end();
  keys = await steps[step]();
  answer = provider(base()).callback();
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ kids: keys.map((key) => key.kid) }));
}
const base = () => `http://127.0.0.1:${server.address().port}`;
const server = http.createServer((req, res) => {
  const step = req.method === 'POST' && /^\/__keys\/(\w+)$/.exec(req.url);
  return step ? rotate(step[1], res) : answer(req, res);
});
server.listen(Number(env.PORT || 0), '127.0.0.1', () => {
  answer = provider(base()).callback();
  const seeded = {
    M2M_CLIENT_ID: 'm2m', M2M_CLIENT_SECRET: SECRET, ODD_CLIENT_ID: 'm2m:odd id', ODD_CLIENT_SECRET: SECRET,
    POST_CLIENT_ID: 'm2m-post', POST_CLIENT_SECRET: SECRET, ...(publicJwk ? { JWT_CLIENT_ID: 'm2m-jwt' } : {}),
    RS_CLIENT_ID: 'rs', RS_CLIENT_SECRET: SECRET, INTROSPECTION_URL: `${base()}/token/introspection`, RESOURCE, OPAQUE_RESOURCE: OPAQUE,
    KEYS_URL: `${base()}/__keys`, CLI_CLIENT_ID: 'cli', WEB_CLIENT_ID: 'web', WEB_CLIENT_SECRET: SECRET, SCOPES: RESOURCE_SCOPES, USERNAME: 'alice', PASSWORD: 'any',
  };
  console.log([`READY ${base()}`, ...Object.entries(seeded).map(([k, v]) => `${k}=${v}`), 'END'].join('\n'));
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
if (process.argv.includes('--watch-stdin')) process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0));
