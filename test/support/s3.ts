import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { AwsClient } from "aws4fetch";
import type { Bucket } from "../../src/blobs/s3-blobs.ts";

const region = "us-east-1";

/** A shim may be there for a Python that has it not. */
const works = (file: string) => spawnSync(file, ["--help"], { stdio: "ignore" }).status === 0;

const program = (process.env["PATH"] ?? "")
  .split(path.delimiter)
  .map((folder) => path.join(folder, "moto_server"))
  .find((file) => existsSync(file) && works(file));

/** Why tests on a bucket are left out here; undefined where they can run. */
export const noS3 = program
  ? undefined
  : 'no S3 server: there is no moto_server on the PATH (pip install "moto[server]" brings it)';

/** A server that speaks S3 and looks at signatures, with one bucket. */
export class S3 {
  readonly bucket: Bucket;

  private constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  static async start(): Promise<{ s3: S3; stop(): void }> {
    // So many calls need no signature: those that make the keys.
    const env = { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: "3" };
    const child = spawn(program ?? "", ["-H", "127.0.0.1", "-p", "0"], { env });
    const stop = () => void child.kill("SIGKILL");
    const endpoint = await addressIn(child.stderr);
    child.stderr.resume();
    child.stdout.resume();
    const iam = (action: string, fields: Record<string, string>) => {
      const anybody = new AwsClient({
        accessKeyId: "x",
        secretAccessKey: "x",
        service: "iam",
        region,
      });
      const body = String(
        new URLSearchParams({ Action: action, Version: "2010-05-08", UserName: "u", ...fields }),
      );
      return anybody
        .fetch(endpoint, {
          method: "POST",
          body,
          headers: { "content-type": "application/x-www-form-urlencoded" },
        })
        .then((answer) => answer.text());
    };
    await iam("CreateUser", {});
    const policy = { Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" } };
    await iam("PutUserPolicy", {
      PolicyName: "p",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", ...policy }),
    });
    const keys = await iam("CreateAccessKey", {});
    const field = (name: string) => new RegExp(`<${name}>([^<]+)<`).exec(keys)?.[1] ?? "";
    const bucket = {
      name: "pictures",
      prefix: "easel",
      region,
      endpoint,
      accessKeyId: field("AccessKeyId"),
      secretAccessKey: field("SecretAccessKey"),
      sessionToken: undefined,
      links: { endpoint },
    };
    const s3 = new S3(bucket);
    await s3.ask("PUT", "");
    return { s3, stop };
  }

  /** Looks at the signatures of so many requests no more: moto reads those in headers alone. */
  async trust(requests: number): Promise<void> {
    const url = `${this.bucket.endpoint}/moto-api/reset-auth`;
    await fetch(url, { method: "POST", body: String(requests) });
  }

  /** One signed request for what is in the bucket. */
  ask(method: string, key: string): Promise<Response> {
    const { endpoint, name, accessKeyId, secretAccessKey } = this.bucket;
    const client = new AwsClient({ accessKeyId, secretAccessKey, service: "s3", region });
    return client.fetch(`${endpoint}/${name}${key && `/${key}`}`, { method });
  }
}

async function addressIn(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) {
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (url) return url;
  }
  throw new Error("moto_server ended before it listened");
}
