import type { HttpConfig, PortOption } from "../../http-config.ts";
import type { Log } from "../../log.ts";
import { optionLabel } from "../../options.ts";
import { type Caller, ownerOf } from "../../studio/caller.ts";
import type { Studio } from "../../studio/studio.ts";
import type { Deps } from "../mcp/deps.ts";
import { McpHttp } from "../mcp/http.ts";
import { pictureTools } from "../mcp/picture-tools.ts";
import { ToolSchemas } from "../mcp/tool-schemas.ts";
import { a1111Faces } from "./a1111.ts";
import { httpApp } from "./app.ts";
import { anonymousName, Callers } from "./callers.ts";
import { comfyuiFace } from "./comfyui.ts";
import { comfyV2Face } from "./comfyv2.ts";
import type { Face } from "./face.ts";
import { fooocusFaces } from "./fooocus.ts";
import type { Foreign } from "./foreign.ts";
import type { GuardRules } from "./guards.ts";
import { healthFaces, oauthFace } from "./health.ts";
import { Keys } from "./keys.ts";
import { Links, linkSecret } from "./links.ts";
import { listenOnAll, type Served } from "./listen.ts";
import { mcpFace } from "./mcp.ts";
import { Metrics } from "./metrics.ts";
import { OAuth } from "./oauth.ts";
import { openaiFace } from "./openai.ts";
import { pageFace } from "./page.ts";
import { filesFace, restFace } from "./rest.ts";
import { visionatrixFaces } from "./visionatrix.ts";

export interface ServeParts {
  config: HttpConfig;
  studio(caller: Caller): Studio;
  /** What MCP sessions are served from. */
  mcp: Omit<Deps, "studio">;
  /** Random bytes under a name, the same from start to start. */
  secret(name: string): Promise<Buffer>;
  log: Log;
  /** An emulator draws. @default false */
  demo?: boolean;
  /** Where the page was built. @default where it is shipped */
  pageDir?: string | undefined;
}

export interface HttpServer {
  url: string;
  /** Of the faces that have a port of their own. */
  own: Partial<Record<PortOption, string>>;
  close(): Promise<void>;
}

/** Serves every face on one port. Throws `invalid_input` for keys or an address that are none. */
export async function serveHttp(parts: ServeParts): Promise<HttpServer> {
  const { main, own, close } = await assemble(parts);
  const [everything, ...others] = await listenOnAll([main, ...own]);
  return {
    url: parts.config.publicUrl ?? everything.url,
    own: Object.fromEntries(own.map(({ option }, i) => [option, others[i]?.url])),
    close: () =>
      close(() => Promise.all([everything, ...others].map((listening) => listening.close()))),
  };
}

/** What is to be listened on, and its end. */
export interface Assembled {
  main: Served;
  own: (Served & { option: PortOption })[];
  /** Those who wait for an answer get theirs before `ports` go. */
  close(ports?: () => Promise<unknown>): Promise<void>;
}

/** Everything that a port serves, before there is one. Throws `invalid_input` for keys that are none. */
export async function assemble(parts: ServeParts): Promise<Assembled> {
  const { config, studio, log, demo = false } = parts;
  const schemas = new ToolSchemas(parts.mcp.catalog, parts.mcp.waitSeconds);
  const mcp = { ...parts.mcp, schemas, askKey: () => parts.secret("ask-key") };
  const { requestsPerMinute, tasksAtOnce, keptGb } = config;
  const limits = { requestsPerMinute, tasksAtOnce, keptGb };
  const keys = await Keys.read(config.authTokens, limits);
  const oauth = config.oauth && new OAuth(config.oauth, limits);
  const secret = config.linkKey ? linkSecret(config.linkKey) : parts.secret("link-key");
  const links = new Links({ secret: await secret, minutes: config.linkMinutes });
  const callers = new Callers({
    keys,
    oauth,
    // A session has a stream open beside the call it waits for.
    requestsAtOnce: 2 * config.maxSessions,
    allowAnonymous: config.allowAnonymous,
    limits,
    studio,
    imageUrl: (base, id) => {
      const signature = config.allowAnonymous ? "" : links.sign(id);
      return `${base}/files/images/${id}${signature}`;
    },
  });
  const chat = new McpHttp({
    deps: mcp,
    most: config.maxSessions,
    idleMs: config.sessionIdleSeconds * 1_000,
    log,
  });
  const watcher = studio(ownerOf({ roots: [] }));
  const metrics = new Metrics({ studio: watcher, sessions: () => chat.size });
  const page = pageFace(parts.pageDir);
  const files = { log, scopesOf: ({ scopes }: Caller) => [...scopes] };
  const rest = {
    ...files,
    catalog: mcp.catalog,
    nameOf: ({ name }: Caller) => (name === anonymousName ? null : name),
    tools: (of: Studio) => pictureTools({ ...mcp, studio: of }),
    demo,
    mcpUrl: (request: Request) => `${config.publicUrl ?? new URL(request.url).origin}/mcp`,
  };
  const foreign: Foreign[] = [
    fooocusFaces({ log }),
    visionatrixFaces({ tools: rest.tools }),
    comfyuiFace(log),
    a1111Faces(),
  ];
  const health = healthFaces(watcher);
  const faces: Face[] = [
    mcpFace(chat),
    ...foreign.flatMap(({ shared }) => shared),
    openaiFace(log),
    comfyV2Face(log),
    restFace(rest),
    filesFace({ ...files, links, studio, requestsPerMinute }),
    ...(page ? [page] : []),
    metrics.face(),
    ...health,
    ...(oauth ? [oauthFace(oauth)] : []),
  ];
  const appOf = (some: readonly Face[], guards: GuardRules) =>
    httpApp({ watch: metrics.watch(some), guards, callers, faces: some, log });
  const { host, port } = config;
  const main = { app: appOf(faces, config), host, port, given: "--host, --port" };
  // The public URL is that of the port of everything.
  const guards = { ...config, publicUrl: undefined };
  const own = foreign.flatMap(({ option, alone }) => {
    const ownPort = config.ownPorts[option];
    if (ownPort === undefined) return [];
    const app = appOf([...alone, ...health], guards);
    return [{ option, app, host, port: ownPort, given: optionLabel(option) }];
  });
  return {
    main,
    own,
    async close(ports) {
      await chat.close();
      await ports?.();
      metrics.close();
      schemas.close();
    },
  };
}
