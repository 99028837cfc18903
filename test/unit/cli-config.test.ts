import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { parseTarget } from "../../src/comfy/target.ts";
import { folderWarnings, readConfig } from "../../src/config.ts";
import { options } from "../../src/options.ts";
import { tempDir } from "../support/world.ts";

test("a flag goes before its variable, and a variable before the default", () => {
  const env = {
    EASEL_WAIT_SECONDS: "7",
    EASEL_DEMO: "1",
    EASEL_INPUT_ROOTS: `/a${path.delimiter}/b`,
  };

  expect(readConfig({}, {})).toMatchObject({ waitSeconds: 45, demo: false });
  expect(readConfig({}, env)).toMatchObject({
    waitSeconds: 7,
    demo: true,
    inputRoots: ["/a", "/b"],
  });
  expect(readConfig({ "wait-seconds": ["9"], "input-roots": ["/c"] }, env)).toMatchObject({
    waitSeconds: 9,
    inputRoots: ["/c"],
  });
  expect(readConfig({}, { EASEL_DEMO: "0" })).toMatchObject({ demo: false });
});

test("every option has a flag, a variable and a help of its own", () => {
  const all = Object.values(options);

  expect(new Set(all.map(({ flag }) => flag)).size).toBe(all.length);
  expect(new Set(all.map(({ env }) => env)).size).toBe(all.length);
  for (const { help } of all) expect(help.length).toBeGreaterThan(10);
});

test.for<[flag: string, variable: string, value: string]>([
  ["wait-seconds", "EASEL_WAIT_SECONDS", "soon"],
  ["keep-days", "EASEL_KEEP_DAYS", "-1"],
  ["delivery", "EASEL_DELIVERY", "post"],
  ["log-level", "EASEL_LOG_LEVEL", "loud"],
  ["demo", "EASEL_DEMO", "perhaps"],
])(
  "a bad --%s is refused by flag and variable, wherever it came from",
  ([flag, variable, value]) => {
    const says = `--${flag} (${variable}): expected `;

    expect(() => readConfig({ [flag]: [value] }, {})).toThrow(says);
    expect(() => readConfig({}, { [variable]: value })).toThrow(says);
  },
);

test("folders that cannot be read are told by their option", async () => {
  const dir = await tempDir();
  const [file, gone] = [path.join(dir, "file"), path.join(dir, "gone")];
  await writeFile(file, "");
  const config = readConfig({ "wildcards-dir": [file], "input-roots": [dir, gone] }, {});

  expect(await folderWarnings(config)).toEqual([
    expect.stringContaining(`--wildcards-dir (EASEL_WILDCARDS_DIR): ${file} is not a folder`),
    expect.stringContaining(`--input-roots (EASEL_INPUT_ROOTS): the folder ${gone} does not exist`),
  ]);
});

test.for<[given: string, url: string]>([
  ["http://0.0.0.0:8188", "http://127.0.0.1:8188"],
  ["0.0.0.0:8188/", "http://127.0.0.1:8188"],
  ["http://[::]:8188", "http://[::1]:8188"],
  ["localhost:8188", "http://localhost:8188"],
  ["gpu-box", "http://gpu-box"],
  ["https://host/prefix/", "https://host/prefix"],
])("the address %s is read as %s", ([given, url]) => {
  expect(parseTarget(given).url).toBe(url);
});

test("a database is named by its address or a file, and what is wrong with it is told without its password", async () => {
  const file = path.join(await tempDir(), "url");
  await writeFile(file, "postgres://u:p@db/easel\n");

  expect(readConfig({ "database-url": [`@${file}`] }, {}).databaseUrl).toBe(
    "postgres://u:p@db/easel",
  );
  expect(() => readConfig({ "database-url": ["mysql://u:secret@db/easel"] }, {})).toThrow(
    /^--database-url \(EASEL_DATABASE_URL\): expected an address such as (?!.*secret)/,
  );
  expect(() => readConfig({ "database-url": ["@/nowhere"] }, {})).toThrow(/cannot be read/);
});

test("a bucket is named with the variables of Amazon's tools, and a folder without", () => {
  const keys = { AWS_ACCESS_KEY_ID: "k", AWS_SECRET_ACCESS_KEY: "s" };
  const at = { ...keys, AWS_ENDPOINT_URL: "http://minio:9000/", AWS_REGION: "here" };
  const blobs = (value: string, env: NodeJS.ProcessEnv, links?: string) =>
    readConfig({ blobs: [value], ...(links ? { "presigned-links": [links] } : {}) }, env).blobs;

  expect(readConfig({ "data-dir": ["/d"] }, {}).blobs).toEqual({ dir: "/d" });
  expect(blobs("/pictures", {})).toEqual({ dir: "/pictures" });
  expect(blobs("s3://b-1/of/easel/", at, "auto")).toMatchObject({
    bucket: { name: "b-1", prefix: "of/easel", endpoint: "http://minio:9000", region: "here" },
  });
  expect(blobs("s3://b-1", keys)).toMatchObject({
    bucket: { prefix: "", endpoint: undefined, region: "us-east-1", links: undefined },
  });
  expect(() => blobs("s3://b-1", {})).toThrow(/keys of the bucket are missing.*AWS_ACCESS_KEY_ID/);
  expect(() => blobs("s3://B_1", at)).toThrow(/expected s3:\/\/BUCKET\/PREFIX or a folder/);
  expect(() => blobs("/pictures", at, "auto")).toThrow(/only a bucket gives such links/);
  expect(() => blobs("s3://b-1", at, "minio:9000")).toThrow(/--presigned-links.*begins with http/);
});
