import { useId } from "preact/hooks";
import { EdgeChoice, ShapeChoice, StyleChoice } from "./choices.tsx";
import { usePage } from "./context.ts";
import { NumberField, SelectField, TextField } from "./fields.tsx";
import { Icon } from "./icons.tsx";
import { LoraField } from "./lora-field.tsx";
import { useSettings } from "./use-settings.ts";

/** Every setting there is. What the workflow cannot honour is shown with the reason. */
export function Tray() {
  const page = usePage();
  const { tool, settings, takes } = useSettings();
  const changed = Object.keys(settings).length;
  return (
    <section class="tray" aria-label="All settings">
      <div class="th">
        <h2>All settings</h2>
        <button
          type="button"
          class="tb"
          aria-label="Close all settings"
          onClick={() => {
            page.trayOpen.value = false;
          }}
        >
          <Icon name="x" />
        </button>
      </div>
      <div>
        <h3>What to do</h3>
        <ToolField />
        {takes("width") && (
          <>
            <h3>Shape</h3>
            <ShapeChoice />
            <div class="fields three">
              <NumberField
                label="Width"
                name="width"
                placeholder="auto"
                minimum={64}
                maximum={4096}
              />
              <NumberField
                label="Height"
                name="height"
                placeholder="auto"
                minimum={64}
                maximum={4096}
              />
              <NumberField label="Pictures" name="count" placeholder="1" minimum={1} maximum={32} />
            </div>
          </>
        )}
        {takes("feather") && <EdgeChoice />}
        {tool === "outpaint" && <Sides />}
      </div>
      <div>
        <h3>Style</h3>
        {takes("styles") ? <StyleChoice /> : <p class="hint">This tool takes no style.</p>}
      </div>
      <div>
        <h3>How it is painted</h3>
        <Painting />
        {changed > 0 && (
          <button type="button" class="lnk back" onClick={() => page.draft.replace(tool, {})}>
            Back to defaults
          </button>
        )}
      </div>
    </section>
  );
}

function ToolField() {
  const page = usePage();
  const id = useId();
  const chosen = page.draft.tool.value;
  return (
    <div class={`f w${chosen === undefined ? "" : " changed"}`}>
      <label for={id}>Tool</label>
      <div class="in">
        <select
          id={id}
          value={chosen ?? ""}
          onChange={(event) => {
            page.draft.tool.value = event.currentTarget.value || undefined;
          }}
        >
          <option value="">By what is in front of you</option>
          {page.catalogue.tools.value.map(({ name, title }) => (
            <option value={name} key={name}>
              {title}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

function Sides() {
  return (
    <div class="fields">
      {["left", "top", "right", "bottom"].map((side) => (
        <NumberField
          key={side}
          label={`Add ${side}, pixels`}
          name={side}
          placeholder="0"
          minimum={0}
          maximum={4096}
        />
      ))}
    </div>
  );
}

function Painting() {
  const { catalogue } = usePage();
  const { tool, workflow, takes } = useSettings();
  const own = catalogue.workflows.value.filter((one) => one.tool === tool);
  const parameter = (name: string) => workflow?.parameters.find((one) => one.name === name);
  const usual = (name: string) => String(parameter(name)?.default ?? "usual");
  const choices = (name: string) =>
    (parameter(name)?.choices ?? []).map((value) => [String(value), String(value)] as const);
  const models = catalogue.models.value
    .filter((model) => !model.workflows || model.workflows.includes(workflow?.name ?? ""))
    .map(({ name }) => [name, name] as const);
  return (
    <div class="fields">
      <SelectField
        label="Workflow"
        name="workflow"
        standard="First that can run"
        options={own.map(({ name, title, ready }) => [
          name,
          ready === false ? `${title} (needs a download)` : title,
        ])}
      />
      {takes("seed") && <NumberField label="Seed" name="seed" placeholder="any" minimum={0} />}
      {takes("steps") && (
        <NumberField
          label="Steps"
          name="steps"
          placeholder={usual("steps")}
          minimum={parameter("steps")?.minimum}
          maximum={parameter("steps")?.maximum}
        />
      )}
      {takes("guidance") && (
        <NumberField
          label="Guidance"
          name="guidance"
          placeholder={usual("guidance")}
          minimum={0}
          maximum={30}
          step={0.1}
        />
      )}
      {takes("sampler") && (
        <SelectField
          label="Sampler"
          name="sampler"
          standard={usual("sampler")}
          options={choices("sampler")}
        />
      )}
      {takes("scheduler") && (
        <SelectField
          label="Scheduler"
          name="scheduler"
          standard={usual("scheduler")}
          options={choices("scheduler")}
        />
      )}
      {takes("quality") && (
        <SelectField
          label="Effort"
          name="quality"
          standard="usual"
          options={["quality", "speed", "extreme_speed"].map((word) => [
            word,
            word.replace("_", " "),
          ])}
        />
      )}
      {takes("model") && models.length > 0 && (
        <SelectField label="Model" name="model" standard="the workflow's own" options={models} />
      )}
      {takes("factor") && (
        <NumberField
          label="Times larger"
          name="factor"
          placeholder="2"
          minimum={1.5}
          maximum={4}
          step={0.5}
        />
      )}
      <SelectField
        label="File"
        name="output_format"
        standard="PNG"
        options={[
          ["jpeg", "JPEG"],
          ["webp", "WebP"],
        ]}
      />
      {takes("loras") && <LoraField />}
      <KeepOut />
    </div>
  );
}

function KeepOut() {
  const { workflow, takes } = useSettings();
  if (takes("negative_prompt"))
    return <TextField label="Keep out" name="negative_prompt" placeholder="text, frame" />;
  if (!workflow || !takes("prompt")) return null;
  return <p class="hint w">Keep out: {workflow.title} ignores what to keep out.</p>;
}
