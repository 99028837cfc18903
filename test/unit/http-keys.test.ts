import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { Keys } from "../../src/faces/http/keys.ts";
import { tempDir } from "../support/world.ts";

const token = "0123456789abcdef";

test("a key makes and deletes, and so reads, unless it says otherwise", async () => {
  const keys = await Keys.read([`ann:${token}1`, `bob:${token}2:read`, `op:${token}3:admin`], {});

  expect([...(keys.find(`${token}1`)?.scopes ?? [])].sort()).toEqual([
    "delete",
    "generate",
    "read",
  ]);
  expect([...(keys.find(`${token}2`)?.scopes ?? [])]).toEqual(["read"]);
  expect(keys.find(`${token}3`)?.scopes.has("delete")).toBe(true);
  expect(keys.find(`${token}3`)?.scopes.has("graphs")).toBe(false);
  expect(keys.find(token)).toBeUndefined();
  expect(keys.find("")).toBeUndefined();
});

test("limits of its own go before those of all", async () => {
  const standard = { requestsPerMinute: 60, tasksAtOnce: 4 };
  const keys = await Keys.read(
    [`ann:${token}1`, `bob:${token}2:read:tasks=1,gb=0.5`, `eve:${token}3::requests=9`],
    standard,
  );

  expect(keys.find(`${token}1`)?.limits).toEqual(standard);
  expect(keys.find(`${token}2`)?.limits).toEqual({ ...standard, tasksAtOnce: 1, keptGb: 0.5 });
  expect(keys.find(`${token}3`)?.limits).toEqual({ ...standard, requestsPerMinute: 9 });
});

test("a file gives a key a line, with remarks", async () => {
  const file = path.join(await tempDir(), "keys.txt");
  await writeFile(file, `# of the team\r\nann:${token}1\r\n\n  bob:${token}2:read\n`);
  const keys = await Keys.read([`@${file}`, `eve:${token}3`], {});

  expect(keys.size).toBe(3);
  expect(keys.find(`${token}2`)?.name).toBe("bob");
});

test.for<[given: string[], says: RegExp]>([
  [["secret-without-a-name"], /expected NAME:TOKEN/],
  [[`a b:${token}`], /expected NAME:TOKEN/],
  [[`ann:${token}:read:tasks=1:more`], /expected NAME:TOKEN/],
  [["ann:short"], /the token of ann is too easy to guess/],
  [[`ann:${token}:raed`], /ann has the scope "raed".*Did you mean read\?/],
  [[`ann:${token}:read:speed=1`], /ann has the limit "speed=1"/],
  [[`ann:${token}:read:tasks=`], /ann has the limit "tasks="/],
  [[`ann:${token}`, `ann:${token}2`], /the name ann is given twice/],
  [["@/nowhere/keys.txt"], /the file \/nowhere\/keys\.txt cannot be read/],
])("%s is refused without its token", async ([given, says]) => {
  const refused = await Keys.read(given, {}).catch((error: Error) => error.message);

  expect(refused).toMatch(says);
  expect(refused).toMatch(/^--auth-token \(EASEL_AUTH_TOKEN\): /);
  expect(refused).not.toContain(token);
});

test("HTTP is off without --http, and stays on loopback", () => {
  expect(readConfig({}, { EASEL_PORT: "1" }).http).toBeUndefined();
  expect(readConfig({ http: ["1"] }, {}).http).toMatchObject({
    host: "127.0.0.1",
    port: 8488,
    allowAnonymous: true,
  });
  expect(readConfig({}, { EASEL_HTTP: "1", EASEL_AUTH_TOKEN: "a:1\nb:2" }).http).toMatchObject({
    authTokens: ["a:1", "b:2"],
    allowAnonymous: false,
  });
});

test.for(["0.0.0.0", "::", "192.0.2.7", "studio.example.com"])(
  "%s is not listened on for everybody unless that is said",
  (host) => {
    const at = (more: Record<string, string[]>) =>
      readConfig({ http: ["1"], host: [host], ...more }, {}).http?.allowAnonymous;

    expect(() => at({})).toThrow(/^--host .*--auth-token .*--allow-anonymous/);
    expect(at({ "auth-token": [`ann:${token}`] })).toBe(false);
    expect(at({ "allow-anonymous": ["1"] })).toBe(true);
  },
);

test.for(["127.0.0.1", "::1", "localhost", "127.3.2.1"])("%s is loopback", (host) => {
  expect(readConfig({ http: ["1"], host: [host] }, {}).http?.host).toBe(host);
});

test.for<[flag: string, value: string]>([
  ["port", "65536"],
  ["port", "8o88"],
  ["public-url", "studio.example.com"],
  ["public-url", "ftp://studio.example.com"],
  ["allow-host", "studio.example.com:8488"],
  ["allow-origin", "https://chat.example.com/path"],
  ["allow-origin", "*"],
  ["max-sessions", "1.5"],
])("a bad --%s %s is refused by its name", ([flag, value]) => {
  expect(() => readConfig({ http: ["1"], [flag]: [value] }, {})).toThrow(
    new RegExp(`^--${flag} \\(EASEL_[A-Z_]+\\): expected `),
  );
});

test("tokens of an issuer need an audience", () => {
  const issuer = { http: ["1"], "oauth-issuer": ["https://id.example.com"] };

  expect(() => readConfig(issuer, {})).toThrow("--oauth-audience (EASEL_OAUTH_AUDIENCE)");
  expect(
    readConfig({ ...issuer, "public-url": ["https://studio.example.com/"] }, {}).http?.oauth,
  ).toEqual({ issuer: "https://id.example.com", audience: "https://studio.example.com/mcp" });
});
