// A smoke test of op.mjs as a child process: sign in by forms, trade the code,
// rotate, and lose the grant to reuse.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as crypto from 'node:crypto';
import * as readline from 'node:readline';
import { after, before, test } from 'node:test';

const redirectURI = 'http://127.0.0.1:9/callback';
let child;
let lines;
let idp;

async function tell(line) {
  child.stdin.write(`${JSON.stringify(line)}\n`);
  return JSON.parse((await lines.next()).value);
}

before(async () => {
  child = spawn(process.execPath, [new URL('op.mjs', import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'inherit'] });
  lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  idp = await tell({
    client_id: 'lanyard', client_secret: 'a secret of more than 32 characters', redirect_uris: [], scopes: ['calls.read'],
  });
  assert.match(idp.issuer, /^http:\/\/127\.0\.0\.1:\d+$/);
});

after(async () => {
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.stdin.end();
  assert.equal(await gone, 0);
});

// A browser without script: follows redirects, keeps cookies, fills in forms.
async function signIn(url, login) {
  const cookies = new Map();
  let next = { url, method: 'GET' };
  for (let i = 0; i < 20; i += 1) {
    if (next.url.startsWith(redirectURI)) return new URL(next.url).searchParams;
    const r = await fetch(next.url, {
      method: next.method,
      body: next.body,
      redirect: 'manual',
      headers: { cookie: [...cookies].map((c) => c.join('=')).join('; ') },
    });
    for (const c of r.headers.getSetCookie()) cookies.set(...c.split(';')[0].split(/=(.*)/s));
    if (r.headers.has('location')) {
      next = { url: new URL(r.headers.get('location'), next.url).href, method: 'GET' };
      continue;
    }
    const page = await r.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page);
    assert.ok(action, `no form at ${next.url}: ${r.status} ${page.slice(0, 400)}`);
    const fields = [...page.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((m) => [m[1], m[2]]);
    next = {
      url: new URL(action[1], next.url).href,
      method: 'POST',
      body: new URLSearchParams([...fields, ['login', login], ['password', 'x']]),
    };
  }
  throw new Error('too many steps');
}

async function token(form) {
  const r = await fetch(idp.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`lanyard:${encodeURIComponent('a secret of more than 32 characters').replaceAll('%20', '+')}`)}` },
    body: new URLSearchParams(form),
  });
  return { status: r.status, ...await r.json() };
}

const verifier = crypto.randomBytes(32).toString('base64url');

function authorizeURL(extra) {
  return `${idp.authorization_endpoint}?${new URLSearchParams({
    client_id: 'lanyard', redirect_uri: redirectURI, response_type: 'code', scope: 'openid email offline_access calls.read', prompt: 'consent', state: 'a state of some length', ...extra,
  })}`;
}

test('a redirect URI that was not told is refused, and known once told', async () => {
  const challenge = { code_challenge: crypto.createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' };
  assert.equal((await fetch(authorizeURL(challenge), { redirect: 'manual' })).status, 400);
  assert.deepEqual(await tell({ redirect_uris: [redirectURI] }), idp);

  const answer = await signIn(authorizeURL(challenge), 'ana');
  assert.equal(answer.get('iss'), idp.issuer);
  const first = await token({ grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: redirectURI, code_verifier: verifier });
  assert.equal(first.status, 200, JSON.stringify(first));
  assert.equal(first.scope, 'openid email offline_access calls.read');

  const me = await fetch(idp.userinfo_endpoint, { headers: { authorization: `Bearer ${first.access_token}` } });
  assert.deepEqual(await me.json(), { sub: 'ana', email: 'ana@example.com', email_verified: true });

  const second = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
  assert.equal(second.status, 200);
  assert.notEqual(second.refresh_token, first.refresh_token);

  const reuse = await token({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
  assert.equal(reuse.error, 'invalid_grant');
  const killed = await token({ grant_type: 'refresh_token', refresh_token: second.refresh_token });
  assert.equal(killed.error, 'invalid_grant', 'reuse of a spent token must end its successor too');
});

test('without a code challenge there is no consent', async () => {
  const answer = await signIn(authorizeURL({}), 'ana');
  assert.equal(answer.get('error'), 'invalid_request');
});
