// A customer's own site that connects its users' accounts, with a callback of its own:
// GET /connect leads to the provider, and /callback ends the journey.
//
//   LANYARD_URL=http://localhost:8080 LANYARD_KEY=lyk_… LANYARD_APP=app_… node server.mjs
//
// The address of /callback is one of the app's redirect_uris, here and at the provider.
// Node 18 or newer, and nothing else.
import { createServer } from "node:http";
import { timingSafeEqual } from "node:crypto";

const { LANYARD_URL, LANYARD_KEY, LANYARD_APP, LISTEN = "localhost:7000" } = process.env;
const own = (process.env.PUBLIC_URL ?? `http://${LISTEN}`) + "/callback";
const cookie = "lanyard_state";

// Who is logged in at this site. A real one asks its session.
const user = () => "user-42";

// One call with the key, which stays on this side of the browser.
async function lanyard(method, path, body) {
  const resp = await fetch(LANYARD_URL + path, {
    method,
    headers: { Authorization: `Bearer ${LANYARD_KEY}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const out = await resp.json();
  if (!resp.ok) throw new Error(`${out.code}: ${out.detail}`);
  return out;
}

async function connect(req, res) {
  const q = new URLSearchParams({ app_id: LANYARD_APP, redirect_uri: own, end_user_id: user(req) });
  const to = await lanyard("GET", `/v1/authorize-url?${q}`);
  // Only the browser that began may end the journey.
  const secure = own.startsWith("https") ? "; Secure" : "";
  res.setHeader("Set-Cookie", `${cookie}=${to.state}; Path=/callback; Max-Age=600; HttpOnly; SameSite=Lax${secure}`);
  res.writeHead(303, { Location: to.authorize_url }).end();
}

function same(a, b) {
  const [x, y] = [Buffer.from(a ?? ""), Buffer.from(b ?? "")];
  return x.length > 0 && x.length === y.length && timingSafeEqual(x, y);
}

async function callback(req, res, q) {
  const began = (req.headers.cookie ?? "").split(/; */).find((c) => c.startsWith(cookie + "="))?.slice(cookie.length + 1);
  if (!same(began, q.get("state"))) return res.writeHead(400).end("This is not the browser that began.\n");
  if (!q.get("code")) return res.writeHead(403).end("Access was not allowed.\n");
  const c = await lanyard("POST", "/v1/connections", {
    app_id: LANYARD_APP, code: q.get("code"), state: q.get("state"), redirect_uri: own, end_user_id: user(req),
  });
  res.writeHead(200, { "Content-Type": "text/plain" }).end(`connected ${c.provider} ${c.id} ${c.status}\n`);
}

const [host, port] = LISTEN.split(":");
createServer(async (req, res) => {
  const url = new URL(req.url, own);
  try {
    if (req.method === "GET" && url.pathname === "/connect") return await connect(req, res);
    if (req.method === "GET" && url.pathname === "/callback") return await callback(req, res, url.searchParams);
    res.writeHead(404).end();
  } catch (err) {
    console.error(err.message);
    res.writeHead(502).end(err.message + "\n");
  }
}).listen(Number(port), host, () => console.error(`open http://${LISTEN}/connect`));
