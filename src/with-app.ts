import { type App, createApp } from "./app.ts";
import { nearby, usualPorts } from "./comfy/nearby.ts";
import { parseTarget } from "./comfy/target.ts";
import type { Config } from "./config.ts";
import { webhookBody as fooocusBody } from "./faces/fooocus/webhook.ts";
import { webhookShape as visionatrixWebhook } from "./faces/visionatrix/webhook.ts";
import { createLog } from "./log.ts";
import { optionLabel } from "./options.ts";

/** Slow enough to watch a sampler, quick enough to wait for. */
const demoTiming = { nodeMs: 20, stepMs: 80, loadMs: 150 };

/** What webhooks are told in the words of the systems whose clients asked. */
const webhookShapes = { fooocus: { ended: fooocusBody }, visionatrix: visionatrixWebhook };

/** Builds the app (and, for a demo, its ComfyUI), and takes it all down again. */
export function withApp(
  given: Config,
  work: (app: App, config: Config) => Promise<void>,
  options: Parameters<typeof createApp>[2] = {},
): Promise<void> {
  return withBackend(given, async (config) => {
    const app = await createApp(config, createLog(config.logLevel), { ...options, webhookShapes });
    try {
      await work(app, config);
    } finally {
      await app.close();
    }
  });
}

/** A demo's ComfyUI is the embedded emulator, for as long as the work lasts. */
export async function withBackend(
  config: Config,
  work: (config: Config) => Promise<void>,
): Promise<void> {
  if (!config.demo) return work(config.isComfyuiGuessed ? await guessed(config) : config);
  const { Emulator } = await import("./emulator/emulator.ts");
  const emulator = await Emulator.start({ timing: demoTiming });
  try {
    const comfyui = { ...parseTarget(emulator.url), name: "the embedded emulator" };
    await work({ ...config, comfyuis: [comfyui] });
  } finally {
    await emulator.close();
  }
}

/** Whoever has not said where ComfyUI is has it on this machine, at one of the usual ports. */
async function guessed(config: Config): Promise<Config> {
  const log = createLog(config.logLevel);
  const [first, ...others] = await nearby();
  const label = optionLabel("comfyuiUrl");
  if (first === undefined) {
    const [standard] = config.comfyuis;
    log.warn(
      `no ComfyUI answers at the ports ${usualPorts.join(", ")} of this machine; ${standard?.url} is asked when there is work. Another: ${label}.`,
    );
    return config;
  }
  const rest = others.length === 0 ? "" : `, not ${others.join(" or ")}`;
  log.info(`found a ComfyUI at ${first}; it is used${rest}. Another: ${label}.`);
  return { ...config, comfyuis: config.comfyuis.map((target) => ({ ...target, url: first })) };
}
