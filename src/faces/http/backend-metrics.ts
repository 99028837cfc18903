import { Gauge, type Registry } from "prom-client";
import type { BackendState } from "../../studio/backend-states.ts";

/** What is told of each ComfyUI; a value that is not known is left out. */
const figures: [name: string, help: string, of: (backend: BackendState) => number | undefined][] = [
  [
    "up",
    "1 for a ComfyUI that answers, 0 for one that does not",
    ({ state }) => (state === "away" ? 0 : 1),
  ],
  ["drained", "1 for one that is given nothing new", ({ drained }) => (drained ? 1 : 0)],
  ["given", "Pictures of this server that it has", ({ given }) => given],
  ["running", "Prompts it runs, whoever's", ({ running }) => running],
  ["waiting", "Prompts in its queue, whoever's", ({ waiting }) => waiting],
  ["vram_free_bytes", "Free memory of its GPU", ({ vramFree }) => vramFree],
  ["vram_total_bytes", "Memory of its GPU", ({ vramTotal }) => vramTotal],
];

/** Gauges of the backends, which are asked when somebody scrapes. */
export function backendGauges(registers: Registry[], read: () => Promise<BackendState[]>): void {
  for (const [name, help, of] of figures) {
    new Gauge({
      name: `comfy_easel_backend_${name}`,
      help,
      labelNames: ["backend"],
      registers,
      async collect() {
        this.reset();
        for (const backend of await read()) {
          const value = of(backend);
          if (value !== undefined) this.set({ backend: backend.name }, value);
        }
      },
    });
  }
  new Gauge({
    name: "comfy_easel_backend_info",
    help: "1 for each ComfyUI, with its version, its GPU and the model it has most likely loaded",
    labelNames: ["backend", "version", "gpu", "loaded"],
    registers,
    async collect() {
      this.reset();
      for (const { name, version = "", gpu = "", loaded = "" } of await read()) {
        this.set({ backend: name, version, gpu, loaded }, 1);
      }
    },
  });
  new Gauge({
    name: "comfy_easel_backend_step_seconds",
    help: "How long a sampling step takes there, as learnt",
    labelNames: ["backend", "workflow"],
    registers,
    async collect() {
      this.reset();
      for (const { name, stepMs } of await read()) {
        for (const [workflow, ms] of Object.entries(stepMs)) {
          this.set({ backend: name, workflow }, ms / 1_000);
        }
      }
    },
  });
}
