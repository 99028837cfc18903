import { initialize, type RawServer, type StartOptions, startRaw, toolCall } from "./child.ts";

export interface Answer {
  text: string;
  isError: boolean;
}

/** A server process that can be killed, and a client that calls its tools over bare pipes. */
export class Assistant {
  readonly server: RawServer;
  #id = 0;

  static async start(args: string[], options: StartOptions = {}): Promise<Assistant> {
    const assistant = new Assistant(startRaw(args, options));
    assistant.server.send(initialize);
    await assistant.server.answer("init");
    return assistant;
  }

  private constructor(server: RawServer) {
    this.server = server;
  }

  /** Sends the call; its answer may never come. */
  begin(name: string, args: object, progressToken?: string): number {
    this.#id += 1;
    this.server.send(toolCall(this.#id, name, args, progressToken));
    return this.#id;
  }

  async answer(id: number): Promise<Answer> {
    const message = await this.server.answer(id);
    const result = message["result"] as { content: { text?: string }[]; isError?: boolean };
    return { text: result.content[0]?.text ?? "", isError: result.isError === true };
  }

  call(name: string, args: object): Promise<Answer> {
    return this.answer(this.begin(name, args));
  }

  /** What `list_tasks` shows. */
  async tasks(): Promise<{ task_id: string; state: string; images: string[] }[]> {
    const message = await this.server.answer(this.begin("list_tasks", {}));
    const { structuredContent } = message["result"] as {
      structuredContent: { tasks: { task_id: string; state: string; images: string[] }[] };
    };
    return structuredContent.tasks;
  }

  async kill(): Promise<void> {
    this.server.child.kill("SIGKILL");
    await this.server.exited;
  }
}
