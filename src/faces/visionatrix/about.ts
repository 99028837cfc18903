import type { BackendState } from "../../studio/backend-states.ts";
import { version } from "../../version.ts";
import { HttpProblem, Unprocessable } from "../shared/fastapi.ts";
import type { VisionatrixContext } from "./env.ts";
import { type Flow, flowsOf, isReady } from "./flows.ts";
import { textIn } from "./query.ts";

/** `GET /flows/installed` and, not `ready`, `/flows/not-installed`. */
export async function flows(c: VisionatrixContext, ready: boolean): Promise<Response> {
  const all = [...(await flowsOf(c.get("studio"))).values()];
  return c.json(all.filter((flow) => isReady(flow) === ready).map(shown));
}

/** `GET /flows/flow-details` */
export async function flowDetails(c: VisionatrixContext): Promise<Response> {
  const name = textIn(c, "name");
  const flow = (await flowsOf(c.get("studio"))).get(name.toLowerCase());
  if (!flow) throw new HttpProblem(404, `Flow '${name}' not found.`);
  return c.json({ flow: shown(flow), flow_comfy: flow.state.workflow.graph });
}

const inputTypes = ["image", "image-inpaint", "video"];

/** `GET /flows/subflows`: what goes on with a result. */
export async function subflows(c: VisionatrixContext): Promise<Response> {
  const type = textIn(c, "input_type");
  if (!inputTypes.includes(type)) {
    const expected = inputTypes.map((each) => `'${each}'`).join(", ");
    const msg = `Input should be ${expected}`;
    const loc = ["query", "input_type"];
    throw new Unprocessable([{ type: "literal_error", loc, msg, input: type.slice(0, 100) }]);
  }
  const all = [...(await flowsOf(c.get("studio"))).values()].filter(isReady);
  return c.json(all.filter((flow) => goesOnWith(flow) === type).map(shown));
}

/** By what it needs: one image, or one and its mask. */
function goesOnWith({ inputs }: Flow): string | undefined {
  const images = inputs.filter(({ type, optional }) => type === "image" && !optional);
  if (images.length !== 1) return undefined;
  return inputs.some(({ type }) => type === "image-mask") ? "image-inpaint" : "image";
}

/** As their `Flow`. */
function shown(flow: Flow): object {
  const { name, title, description, inputs, state } = flow;
  const { workflow, lacks } = state;
  return {
    name,
    display_name: title,
    description,
    author: "",
    homepage: "",
    license: "",
    documentation: "",
    tags: [workflow.tool.replaceAll("_", " ")],
    sub_flows: [],
    models: [],
    input_params: inputs,
    version: "",
    requires: lacks?.packs ?? [],
    private: false,
    hidden: false,
    new_version_available: "",
    is_seed_supported: Object.hasOwn(workflow.parameters, "seed"),
    is_count_supported: true,
    is_translations_supported: false,
    is_macos_supported: true,
    is_supported_by_workers: isReady(flow),
    required_memory_gb: 0,
    lora_connect_points: {},
    is_surprise_me_supported: false,
    remote_vae: false,
  };
}

/** `GET /workers/info`: every ComfyUI that this server uses. */
export async function workers(c: VisionatrixContext): Promise<Response> {
  const wanted = c.req.query("worker_id");
  const studio = c.get("studio");
  // A question could wake one that rests, so only a server that knows of none asks.
  const known = await studio.backends("known");
  const states = known.length > 0 ? known : await studio.backends("all");
  const all = states.filter(({ name }) => wanted === undefined || name === wanted);
  return c.json(all.map((state) => workerOf(state, studio.caller.name)));
}

function workerOf(state: BackendState, user: string): object {
  const isAway = state.state === "away";
  return {
    user_id: user,
    worker_id: state.name,
    worker_version: version,
    last_seen: isAway ? "1970-01-01T00:00:00" : new Date().toISOString().replace(/Z$/, ""),
    tasks_to_give: [],
    os: null,
    version: state.version ?? null,
    embedded_python: false,
    device_name: state.gpu ?? null,
    device_type: null,
    vram_total: state.vramTotal ?? null,
    vram_free: state.vramFree ?? null,
    torch_vram_total: null,
    torch_vram_free: null,
    ram_total: null,
    ram_free: null,
    pytorch_version: null,
    engine_details: null,
    federated_instance_name: "",
    empty_task_requests_count: state.state === "ready" ? 1 : 0,
    last_asked_tasks: [],
    smart_memory: null,
    cache_type: null,
    cache_size: null,
    vae_cpu: null,
    reserve_vram: null,
  };
}

/** `GET /other/whoami` */
export function whoami(c: VisionatrixContext): Response {
  const { name } = c.get("studio").caller;
  return c.json({
    user_id: name,
    full_name: name,
    email: "",
    // What an admin may do there, whoever runs this server does here.
    is_admin: false,
    record_expires_at: null,
  });
}
