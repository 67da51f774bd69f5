// An OpenID provider that we did not write: panva's oidc-provider, the certified
// one, started as a child process by tests. README.md beside this file has the
// protocol; the fosite program speaks the same one.
import * as crypto from 'node:crypto';
import * as http from 'node:http';
import * as readline from 'node:readline';

import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

// The library greets on stdout; stdout is the protocol's.
console.info = console.log = console.error;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function settings(line) {
  const {
    listen = '127.0.0.1:0', client_id: clientID, client_secret: clientSecret, redirect_uris: redirectURIs,
    client_auth: clientAuth = 'client_secret_basic', scopes = [], access_token_seconds: accessTokenSeconds = 3600,
    always_refresh: alwaysRefresh = false, ...unknown
  } = JSON.parse(line);
  if (Object.keys(unknown).length > 0) throw new Error(`unknown setting ${Object.keys(unknown)[0]}`);
  if (!clientID || !clientSecret) throw new Error('client_id and client_secret are needed');
  if (!Array.isArray(redirectURIs)) throw new Error('redirect_uris must be a list');
  return {
    listen, clientID, clientSecret, redirectURIs, clientAuth, scopes, accessTokenSeconds, alwaysRefresh,
  };
}

function provider(issuer, client, s) {
  const memory = createMemoryAdapter();
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  return new Provider(issuer, {
    // The client is looked up at each request, so that its redirect URIs can change while we run.
    adapter: (model) => {
      const adapter = memory(model);
      if (model === 'Client') adapter.find = async (id) => (id === client.client_id ? client : undefined);
      return adapter;
    },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [crypto.randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', ...s.scopes],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false, // the ID token carries email and name, as most providers' do
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
    }),
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    pkce: { required: () => true },
    rotateRefreshToken: true, // and presenting a spent one ends the whole grant
    issueRefreshToken: async (ctx, c, code) => c.grantTypeAllowed('refresh_token')
      && (s.alwaysRefresh || code.scopes.has('offline_access')),
    ttl: {
      AccessToken: s.accessTokenSeconds, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 600, RefreshToken: 86400, Session: 86400,
    },
  });
}

async function start(s) {
  const [, host, port] = /^(.+):(\d+)$/.exec(s.listen) ?? [];
  if (!host) throw new Error('listen must be host:port');
  const server = http.createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(port), host.replace(/^\[|\]$/g, ''), resolve);
  });
  const issuer = `http://${host}:${server.address().port}`;
  const client = {
    client_id: s.clientID,
    client_secret: s.clientSecret,
    redirect_uris: s.redirectURIs,
    token_endpoint_auth_method: s.clientAuth,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
  server.on('request', provider(issuer, client, s).callback());
  return {
    client,
    ready: {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      revocation_endpoint: `${issuer}/token/revocation`,
      introspection_endpoint: `${issuer}/token/introspection`,
    },
  };
}

let running;
for await (const line of readline.createInterface({ input: process.stdin })) {
  try {
    if (running) {
      const { redirect_uris: redirectURIs } = JSON.parse(line);
      if (!Array.isArray(redirectURIs)) throw new Error('redirect_uris must be a list');
      running.client.redirect_uris = redirectURIs;
    } else {
      running = await start(settings(line));
    }
    say(running.ready);
  } catch (err) {
    say({ error: err.message });
    if (!running) process.exit(2);
  }
}
process.exit(0); // stdin is closed: whoever started us is gone
