import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connectTo, startHttp } from "../support/http.ts";
import { startApp, startEmulator } from "../support/world.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

const audience = "https://studio.example.com/mcp";
let [own, foreign]: Pair[] = [];

beforeAll(async () => {
  [own, foreign] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
});

function pair(which: "own" | "foreign"): Pair {
  const found = which === "own" ? own : foreign;
  if (!found) throw new Error("no keys yet");
  return found;
}

/** An issuer that shows its metadata at one place, and its keys. */
async function startIssuer(place: string): Promise<string> {
  const jwk = { ...(await exportJWK(pair("own").publicKey)), alg: "ES256", kid: "1" };
  const server = createServer((request, response) => {
    const answers: Record<string, unknown> = {
      [place]: { issuer: url, jwks_uri: `${url}/keys` },
      "/keys": { keys: [jwk] },
    };
    const answer = answers[request.url ?? ""];
    response.writeHead(answer ? 200 : 404, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return url;
}

async function serve(issuer: string) {
  const world = await startApp((await startEmulator()).url);
  return startHttp(world, { oauth: { issuer, audience } });
}

interface TokenOptions {
  by?: "own" | "foreign";
  aud?: string;
  iss?: string;
  expires?: string;
}

function token(issuer: string, claims: JWTPayload, options: TokenOptions = {}): Promise<string> {
  const { by = "own", aud = audience, iss = issuer, expires = "5m" } = options;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid: "1" })
    .setIssuer(iss)
    .setAudience(aud)
    .setSubject("ann")
    .setExpirationTime(expires)
    .sign(pair(by).privateKey);
}

const places = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

test.for(places)("a token of the issuer with %s lets in with its scopes", async (place) => {
  const issuer = await startIssuer(place);
  const { url } = await serve(issuer);
  const bearer = await token(issuer, { scope: "openid read" });
  const client = await connectTo(url, { Authorization: `Bearer ${bearer}` });

  const names = (await client.listTools()).tools.map(({ name }) => name);

  expect(names).toContain("list_tasks");
  expect(names).not.toContain("generate_image");
});

describe("a token is refused", () => {
  test.for<[why: string, options: TokenOptions]>([
    ["of another key", { by: "foreign" }],
    ["for somebody else", { aud: "https://other.example.com" }],
    ["of another issuer", { iss: "https://other.example.com" }],
    ["whose time is over", { expires: "-5m" }],
  ])("%s", async ([, options]) => {
    const issuer = await startIssuer(String(places[0]));
    const { url } = await serve(issuer);
    const bearer = await token(issuer, { scope: "read" }, options);

    const answer = await fetch(`${url}/mcp`, { headers: { Authorization: `Bearer ${bearer}` } });

    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(
      /^Bearer resource_metadata="http.*", error="invalid_token"$/,
    );
  });

  test("that nobody signed", async () => {
    const issuer = await startIssuer(String(places[0]));
    const { url } = await serve(issuer);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: issuer, aud: audience, sub: "ann", exp: 4e9, scope: "admin" };
    const bearer = `${part({ alg: "none" })}.${part(claims)}.`;

    const answer = await fetch(`${url}/mcp`, { headers: { Authorization: `Bearer ${bearer}` } });

    expect(answer.status).toBe(401);
  });

  test("without a known scope only when it is to do something", async () => {
    const issuer = await startIssuer(String(places[0]));
    const { url } = await serve(issuer);
    const bearer = await token(issuer, { scope: "openid" });
    const client = await connectTo(url, { Authorization: `Bearer ${bearer}` });

    expect((await client.listTools()).tools).toEqual([]);
  });
});

test("who gives tokens is told at the place that a 401 names", async () => {
  const issuer = await startIssuer(String(places[0]));
  const { url } = await serve(issuer);
  const refused = await fetch(`${url}/mcp`);
  const place = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate") ?? "");

  expect(refused.status).toBe(401);
  expect(await (await fetch(String(place?.[1]))).json()).toMatchObject({
    resource: `${url}/mcp`,
    authorization_servers: [issuer],
    scopes_supported: ["read", "generate", "delete", "graphs", "admin"],
  });
});

test("an issuer that cannot be asked is no reason to call a token wrong", async () => {
  const issuer = await startIssuer("/nowhere");
  const { url } = await serve(issuer);
  const bearer = await token(issuer, { scope: "read" });

  const answer = await fetch(`${url}/mcp`, { headers: { Authorization: `Bearer ${bearer}` } });

  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("10");
});
