import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A request that is held: before it reaches ComfyUI, or after, with its answer undelivered. */
export interface Held {
  reached: Promise<void>;
  release(): void;
}

interface Rule {
  method: string;
  path: RegExp;
  when: "before" | "after";
  /** Lets this many matching requests pass first. */
  skip: number;
  arrive(): void;
  released: Promise<void>;
}

/** Stands between the server and ComfyUI, so that a test can stop the world at any request. */
export class Gate {
  readonly url: string;
  readonly #rules: Rule[] = [];

  static async open(target: string): Promise<Gate> {
    const { hostname, port } = new URL(target);
    const sockets = new Set<Socket>();
    let gate: Gate | undefined;
    const server = createServer((incoming, outgoing) => {
      gate?.forward(hostname, port, incoming, outgoing).catch(() => outgoing.destroy());
    });
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
      const upstream = connect(Number(port), hostname, () => {
        const headers = incoming.rawHeaders;
        const lines = headers.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${headers[i + 1]}`]));
        upstream.write(
          `${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`,
        );
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on("error", () => socket.destroy());
      upstream.on("close", () => socket.destroy());
      socket.on("error", () => upstream.destroy());
      socket.on("close", () => upstream.destroy());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    gate = new Gate(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return gate;
  }

  private constructor(url: string) {
    this.url = url;
  }

  hold(method: string, path: RegExp, when: Rule["when"], skip = 0): Held {
    let arrive: () => void = () => {};
    let free: () => void = () => {};
    const reached = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const released = new Promise<void>((resolve) => {
      free = resolve;
    });
    const rule: Rule = { method, path, when, skip, arrive, released };
    this.#rules.push(rule);
    return {
      reached,
      release: () => {
        this.#rules.splice(this.#rules.indexOf(rule), 1);
        free();
      },
    };
  }

  async forward(
    hostname: string,
    port: string,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) {
    const rule = this.#ruleFor(incoming);
    if (rule?.when === "before") await held(rule);
    const upstream = request({
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    });
    upstream.on("error", () => outgoing.destroy());
    upstream.on("response", (response) => {
      const pass = () => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      };
      if (rule?.when === "after") held(rule).then(pass, () => outgoing.destroy());
      else pass();
    });
    incoming.pipe(upstream);
  }

  #ruleFor({ method, url }: IncomingMessage): Rule | undefined {
    return this.#rules.find((rule) => {
      if (rule.method !== method || !rule.path.test(url ?? "")) return false;
      rule.skip -= 1;
      return rule.skip < 0;
    });
  }
}

function held(rule: Rule): Promise<void> {
  rule.arrive();
  return rule.released;
}
