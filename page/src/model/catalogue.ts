import { computed, signal } from "@preact/signals";
import type { Client } from "../client.ts";
import type { BackendRecord, Me, Style, Tool, Workflow } from "../records.ts";

/** What this server and its ComfyUIs can do. */
export class Catalogue {
  readonly me = signal<Me | undefined>(undefined);
  readonly tools = signal<readonly Tool[]>([]);
  readonly workflows = signal<readonly Workflow[]>([]);
  readonly faults = signal<readonly { file: string; reason: string }[]>([]);
  readonly problem = signal<string | undefined>(undefined);
  readonly styles = signal<readonly Style[]>([]);
  readonly loras = signal<readonly string[]>([]);
  readonly models = signal<readonly { name: string; workflows?: string[] }[]>([]);
  readonly backends = signal<readonly BackendRecord[]>([]);
  readonly known = signal(false);

  readonly mayGenerate = computed(() => may(this.me.value, "generate"));
  readonly mayDelete = computed(() => may(this.me.value, "delete"));
  /** Every ComfyUI there is cannot be asked. */
  readonly away = computed(
    () =>
      this.backends.value.length > 0 && this.backends.value.every(({ state }) => state === "away"),
  );
  /** ComfyUI is there, and no workflow can run on it. */
  readonly nothingReady = computed(
    () =>
      this.known.value &&
      !this.away.value &&
      this.workflows.value.length > 0 &&
      this.workflows.value.every(({ ready }) => ready === false),
  );

  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async load(): Promise<void> {
    const client = this.#client;
    await Promise.all([
      client.me().then((me) => {
        this.me.value = me;
      }),
      client.tools().then((tools) => {
        this.tools.value = tools;
      }),
      this.look(),
      client.styles().then((styles) => {
        this.styles.value = styles;
      }),
    ]);
    this.known.value = true;
  }

  /** Asks again for what a ComfyUI has: its state, its models, what can run. */
  async look(): Promise<void> {
    const client = this.#client;
    const [workflows, backends, loras, models] = await Promise.all([
      client.workflows(),
      client.backends(),
      client.loras(),
      client.models(),
    ]);
    this.workflows.value = workflows.workflows;
    this.faults.value = workflows.faults ?? [];
    this.problem.value = workflows.problem ?? undefined;
    this.backends.value = backends;
    this.loras.value = loras;
    this.models.value = models;
  }

  tool(name: string): Tool | undefined {
    return this.tools.value.find((tool) => tool.name === name);
  }

  title(workflow: string): string {
    return this.workflows.value.find(({ name }) => name === workflow)?.title ?? workflow;
  }
}

/** Before the server has said, nothing is taken away. */
function may(me: Me | undefined, scope: string): boolean {
  return me === undefined || me.scopes.includes(scope) || me.scopes.includes("admin");
}
