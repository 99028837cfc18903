import type { Outcome } from "../comfy/outcome.ts";
import { isOutputFile } from "../comfy/outputs.ts";
import type { NodeOutput, OutputFile, SocketMessage } from "../comfy/protocol.ts";
import type { RunFrame } from "../comfy/run-request.ts";
import { AppError } from "../errors.ts";
import { sniffMedia } from "../images/media.ts";
import { sniff } from "../images/sniff.ts";
import type { ImageStore } from "../images/store.ts";
import { type Kept, keepAsMade, keepResult } from "./keep.ts";
import type { LiveTask } from "./live-task.ts";
import type { Folder, NamedFiles } from "./named-files.ts";
import { imageIdFor, type Run } from "./task.ts";

type Completed = Extract<Outcome, { kind: "completed" }>;

export interface TapePorts {
  images: ImageStore;
  files: NamedFiles;
  /** Undefined when ComfyUI has the file no more. */
  fetch(file: OutputFile): Promise<Buffer | undefined>;
  /** Throws when the task is not this server's to work on any more. */
  check(): void;
  tell(frame: RunFrame): void;
}

/** A text that a node shows is kept up to this many characters. */
const longestText = 20_000;

/**
 * What the nodes of a handed-in graph show, one after another: files are brought home and named
 * before the node is told to have made them, so that whoever hears of a file can have it. The end
 * is not told here but by the record.
 */
export class Tape {
  readonly #live: LiveTask;
  readonly #index: number;
  readonly #ports: TapePorts;
  #played: Promise<void> = Promise.resolve();
  #failure: unknown;
  #isIncomplete = false;

  constructor(live: LiveTask, index: number, ports: TapePorts) {
    this.#live = live;
    this.#index = index;
    this.#ports = ports;
    live.note(index, (run) => {
      run.images = [];
      run.outputs = {};
      run.messages = [];
    });
  }

  add(frame: RunFrame): void {
    this.#played = this.#played.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        await this.#play(frame);
      } catch (error) {
        this.#failure = error;
      }
    });
  }

  /** Resolves when all that was added has been kept and told, as far as it can be. */
  settled(): Promise<void> {
    return this.#played;
  }

  /**
   * Keeps what no event told of, with which the run is completed. False when something that was
   * made cannot be had.
   */
  async finish(outcome: Completed): Promise<boolean> {
    await this.#played;
    if (this.#failure !== undefined) throw this.#failure;
    for (const [node, output] of Object.entries(outcome.outputs)) {
      if (!this.#run.outputs?.[node]) await this.#keep(node, output);
    }
    const { graph, outputs } = this.#live.recipe;
    for (const node of outputs) {
      const pictures = outcome.images[node] ?? [];
      for (const bytes of pictures) await this.#keepBytes(bytes);
      // It is the one node that always shows something, over the socket alone.
      const isSilent = graph[node]?.class_type === "SaveImageWebsocket" && pictures.length === 0;
      if (isSilent && outcome.blocked === undefined) this.#isIncomplete = true;
    }
    if (this.#isIncomplete) return false;
    this.#live.editRun(this.#index, (run) => {
      run.state = "completed";
      if (outputs.some((id) => outcome.cached.has(id))) run.cached = true;
    });
    return true;
  }

  get #run(): Run {
    const run = this.#live.draft.runs[this.#index];
    if (!run) throw new Error(`task ${this.#live.id} has no run ${this.#index}`);
    return run;
  }

  async #play(frame: RunFrame): Promise<void> {
    if (frame.kind !== "message") return this.#ports.tell(frame);
    const message = this.#withOwnId(frame.message);
    switch (message.type) {
      case "execution_start":
      case "execution_cached":
        this.#noteMilestone(message);
        break;
      case "execution_error":
        if (message.data.exception_type === "ExecutionBlocked") break;
        return this.#noteMilestone(message);
      case "execution_success":
      case "execution_interrupted":
        return this.#noteMilestone(message);
      case "executing":
        if (message.data.node === null) return;
        break;
      case "executed": {
        const { output, node, display_node } = message.data;
        const kept = output && (await this.#keep(display_node ?? node, output));
        return this.#ports.tell({
          kind: "message",
          message: { ...message, data: { ...message.data, output: kept } },
        });
      }
      default:
        break;
    }
    this.#ports.tell({ kind: "message", message });
  }

  #noteMilestone(message: SocketMessage): void {
    this.#live.note(this.#index, (run) => {
      run.messages = [...(run.messages ?? []), [message.type, { ...message.data }]];
    });
  }

  /** The id under which it was posted is nobody's business: two callers may choose the same one. */
  #withOwnId(message: SocketMessage): SocketMessage {
    const id = this.#live.draft.prompt?.id ?? this.#run.promptId;
    if (!("prompt_id" in message.data)) return message;
    const data: Record<string, unknown> = { ...message.data, prompt_id: id };
    if (message.type === "progress_state") {
      data["nodes"] = Object.fromEntries(
        Object.entries(message.data.nodes).map(([node, state]) => [
          node,
          { ...state, prompt_id: id },
        ]),
      );
    }
    // Only the id has changed.
    return { ...message, data } as SocketMessage;
  }

  async #keep(node: string, output: NodeOutput): Promise<NodeOutput> {
    const kept: NodeOutput = {};
    for (const [key, value] of Object.entries(output)) {
      kept[key] = Array.isArray(value) ? await this.#keepAll(value) : value;
    }
    this.#live.editRun(this.#index, (run) => {
      run.outputs = { ...run.outputs, [node]: kept };
    });
    await this.#live.written();
    return kept;
  }

  async #keepAll(items: readonly unknown[]): Promise<unknown[]> {
    const kept: unknown[] = [];
    for (const item of items) {
      if (isOutputFile(item)) kept.push(await this.#keepFile(item));
      else kept.push(typeof item === "string" ? item.slice(0, longestText) : item);
    }
    return kept;
  }

  async #keepFile(file: OutputFile): Promise<OutputFile> {
    const { filename, subfolder = "", type } = file;
    if (!isFolder(type)) return file;
    const bytes = await this.#ports.fetch(file);
    if (!bytes) {
      this.#isIncomplete = true;
      return file;
    }
    const { record } = await this.#keepBytes(bytes);
    const name = await this.#ports.files.name(this.#live.draft, type, subfolder, filename, record);
    return { ...file, filename: name };
  }

  async #keepBytes(bytes: Buffer): Promise<Kept> {
    this.#ports.check();
    const { images } = this.#ports;
    const { draft } = this.#live;
    const id = imageIdFor(draft, this.#run, this.#run.images.length);
    const isKnown = sniff(bytes).mimeType !== undefined || sniffMedia(bytes) !== undefined;
    const kept = isKnown
      ? await keepResult(images, draft, id, bytes).catch((error) => {
          // What cannot be read as what it seems to be is still what the node made.
          if (!(error instanceof AppError) || error.code !== "invalid_input") throw error;
          return keepAsMade(images, id, bytes);
        })
      : await keepAsMade(images, id, bytes);
    this.#live.editRun(this.#index, (run, task) => {
      const { seed } = run;
      run.images.push({ ...kept.record, ...(seed === undefined ? {} : { seed }) });
      task.warnings.push(...kept.notes.filter((note) => !task.warnings.includes(note)));
    });
    return kept;
  }
}

function isFolder(type: string): type is Folder {
  return type === "input" || type === "output" || type === "temp";
}
