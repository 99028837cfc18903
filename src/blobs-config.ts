import path from "node:path";
import type { BlobsPlace } from "./blobs/open.ts";
import type { Bucket } from "./blobs/s3-blobs.ts";
import { type Given, refused } from "./config-values.ts";
import { refusal } from "./errors.ts";
import { optionLabel } from "./options.ts";

const defaultRegion = "us-east-1";

/**
 * A folder, or a bucket with what the variables of Amazon's tools say of it. Throws `invalid_input`.
 * @param dataDir which holds them where nothing else is said
 */
export function readBlobs(given: Given, env: NodeJS.ProcessEnv, dataDir: string): BlobsPlace {
  return placeIn(given.blobs?.at(-1), env, given.presignedLinks?.at(-1)) ?? { dir: dataDir };
}

/** As `readBlobs`, of one value. */
export function placeIn(
  text: string | undefined,
  env: NodeJS.ProcessEnv,
  links?: string,
): BlobsPlace | undefined {
  const url = text?.startsWith("s3:") ? text : undefined;
  if (links !== undefined && url === undefined) {
    throw refusal(
      `${optionLabel("presignedLinks")}: only a bucket gives such links; name one with ${optionLabel("blobs")}.`,
    );
  }
  if (url === undefined) return text === undefined ? undefined : { dir: path.resolve(text) };
  const [, name, prefix = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url) ?? [];
  if (name === undefined) throw refused("blobs", url, "s3://BUCKET/PREFIX or a folder");
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw refusal(
      `${optionLabel("blobs")}: the keys of the bucket are missing. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
    );
  }
  const region = env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"] ?? defaultRegion;
  const endpoint = endpointIn(
    "AWS_ENDPOINT_URL",
    env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"],
  );
  const bucket: Bucket = {
    name,
    prefix: prefix.replace(/^\/+|\/+$/g, ""),
    region,
    endpoint,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: env["AWS_SESSION_TOKEN"],
    links: undefined,
  };
  if (links === undefined) return { bucket };
  const isSame = links === "auto";
  const at = isSame ? endpoint : endpointIn(optionLabel("presignedLinks"), links);
  return { bucket: { ...bucket, links: { endpoint: at } } };
}

function endpointIn(label: string, text: string | undefined): string | undefined {
  if (!text) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash) {
    return text.replace(/\/+$/, "");
  }
  throw refusal(
    `${label}: expected a URL that begins with http:// or https://, got ${JSON.stringify(text)}`,
  );
}
