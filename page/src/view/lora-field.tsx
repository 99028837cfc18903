import { useId } from "preact/hooks";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { useSettings } from "./use-settings.ts";

const most = 5;

/** LoRAs with their weights, as "name:weight". */
export function LoraField() {
  const { catalogue } = usePage();
  const { settings, set } = useSettings();
  const id = useId();
  const chosen = (settings["loras"] as string[] | undefined) ?? [];
  const free = catalogue.loras.value.filter(
    (name) => !chosen.some((lora) => lora.startsWith(`${name}:`)),
  );
  const put = (loras: string[]) => set({ loras: loras.length > 0 ? loras : undefined });
  return (
    <div class={`f w${chosen.length > 0 ? " changed" : ""}`}>
      <label for={id}>LoRAs</label>
      {chosen.map((lora) => {
        const at = lora.lastIndexOf(":");
        const name = lora.slice(0, at);
        const short = name.replace(/\.safetensors$/, "");
        return (
          <div class="in lora" key={name}>
            <span title={name}>{short}</span>
            <input
              type="number"
              min={-2}
              max={2}
              step={0.05}
              aria-label={`Weight of ${short}`}
              value={Number(lora.slice(at + 1))}
              onChange={(event) =>
                put(
                  chosen.map((one) =>
                    one === lora ? `${name}:${Number(event.currentTarget.value)}` : one,
                  ),
                )
              }
            />
            <button
              type="button"
              aria-label={`Take ${short} away`}
              onClick={() => put(chosen.filter((one) => one !== lora))}
            >
              <Icon name="x" />
            </button>
          </div>
        );
      })}
      {chosen.length < most && (
        <div class="in">
          <select
            id={id}
            value=""
            onChange={(event) => {
              const name = event.currentTarget.value;
              if (name !== "") put([...chosen, `${name}:0.8`]);
              event.currentTarget.value = "";
            }}
          >
            <option value="">
              {free.length > 0 ? `Add one of ${free.length}` : "None on this ComfyUI"}
            </option>
            {free.map((name) => (
              <option value={name} key={name}>
                {name.replace(/\.safetensors$/, "")}
              </option>
            ))}
          </select>
        </div>
      )}
    </div>
  );
}
