import { pictures } from "../model/words.ts";
import { usePage } from "./context.ts";
import { NumberField } from "./fields.tsx";
import { shapes, strengths } from "./setting-words.ts";
import { StyleSwatch } from "./style-swatch.tsx";
import { useSettings } from "./use-settings.ts";

export function ShapeChoice() {
  const { tool, settings, set } = useSettings();
  // Around a picture no shape is the usual one.
  const usual = tool === "outpaint" ? undefined : "1:1";
  const exact = settings["width"] !== undefined || settings["height"] !== undefined;
  const chosen = exact ? undefined : (settings["aspect_ratio"] ?? usual);
  return (
    <fieldset class="shapes">
      <legend class="vh">Shape</legend>
      {shapes.map(([ratio, name]) => {
        const [a = 1, b = 1] = ratio.split(":").map(Number);
        const size = 30 / Math.sqrt(a * b);
        return (
          <button
            type="button"
            class="shape"
            key={ratio}
            aria-pressed={chosen === ratio}
            onClick={() =>
              set({
                aspect_ratio: ratio === usual ? undefined : ratio,
                width: undefined,
                height: undefined,
              })
            }
          >
            <i style={{ width: `${a * size}px`, height: `${b * size}px` }} />
            {name}
          </button>
        );
      })}
    </fieldset>
  );
}

export function StyleChoice() {
  const { catalogue } = usePage();
  const { settings, set } = useSettings();
  const chosen = (settings["styles"] as string[] | undefined) ?? [];
  const styles = catalogue.styles.value;
  const groups = [...new Set(styles.map(({ group }) => group ?? ""))];
  const toggle = (name: string) =>
    set({
      styles: none(
        chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name],
      ),
    });
  return (
    <div class="style-list">
      <div class="style-row">
        <button
          type="button"
          class="style"
          aria-pressed={chosen.length === 0}
          onClick={() => set({ styles: undefined })}
        >
          <StyleSwatch style={undefined} />
          No style
        </button>
        <p class="hint">Drawn swatches for the look, not pictures made with it.</p>
      </div>
      {groups.map((group) => (
        <fieldset key={group}>
          <legend>{group}</legend>
          <div class="style-row">
            {styles
              .filter((style) => (style.group ?? "") === group)
              .map(({ name, title }) => (
                <button
                  type="button"
                  class="style"
                  key={name}
                  aria-pressed={chosen.includes(name)}
                  onClick={() => toggle(name)}
                >
                  <StyleSwatch style={name} />
                  {title}
                </button>
              ))}
          </div>
        </fieldset>
      ))}
    </div>
  );
}

function none(list: string[]): string[] | undefined {
  return list.length > 0 ? list.slice(0, 8) : undefined;
}

export function CountChoice() {
  const { settings, set } = useSettings();
  const count = Number(settings["count"] ?? 1);
  return (
    <div class="choices">
      {[1, 2, 3, 4, 6, 8].map((many) => (
        <button
          type="button"
          class="choice"
          key={many}
          aria-pressed={count === many}
          onClick={() => set({ count: many === 1 ? undefined : many })}
        >
          {pictures(many)}
        </button>
      ))}
    </div>
  );
}

export function WorkflowChoice() {
  const { catalogue } = usePage();
  const { tool, settings, set } = useSettings();
  const own = catalogue.workflows.value.filter((workflow) => workflow.tool === tool);
  return (
    <div class="choices">
      <button
        type="button"
        class="choice"
        aria-pressed={settings["workflow"] === undefined}
        onClick={() => set({ workflow: undefined })}
      >
        The first that can run
      </button>
      {own.map(({ name, title, ready }) => (
        <button
          type="button"
          class="choice"
          key={name}
          aria-pressed={settings["workflow"] === name}
          onClick={() => set({ workflow: name })}
        >
          {title}
          {ready === false && <small>needs a download</small>}
        </button>
      ))}
    </div>
  );
}

export function SeedChoice() {
  const { settings, set } = useSettings();
  return (
    <div class="seed-choice">
      <button
        type="button"
        class="choice"
        aria-pressed={settings["seed"] === undefined}
        onClick={() => set({ seed: undefined })}
      >
        Any seed
      </button>
      <NumberField
        label="Always this seed"
        name="seed"
        placeholder="any"
        minimum={0}
        maximum={Number.MAX_SAFE_INTEGER}
      />
      <p class="hint">The same seed and settings make the same picture again.</p>
    </div>
  );
}

export function StrengthChoice() {
  const { settings, set } = useSettings();
  return (
    <div class="choices">
      {strengths.map(([strength, name]) => (
        <button
          type="button"
          class="choice"
          key={name}
          aria-pressed={settings["strength"] === strength}
          onClick={() => set({ strength, vary: undefined })}
        >
          Change it {name}
        </button>
      ))}
      <NumberField
        label="Exactly, 0 to 1"
        name="strength"
        placeholder="usual"
        minimum={0}
        maximum={1}
        step={0.05}
      />
    </div>
  );
}

export function EdgeChoice() {
  const { tool } = useSettings();
  return (
    <div class="fields one">
      <NumberField
        label="Soft edge, pixels"
        name="feather"
        placeholder="0"
        minimum={0}
        maximum={256}
      />
      {tool === "inpaint" && (
        <NumberField
          label="Grow the mask, pixels"
          name="grow"
          placeholder="0"
          minimum={-256}
          maximum={256}
        />
      )}
    </div>
  );
}
