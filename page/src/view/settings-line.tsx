import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { ratioOf } from "../model/request.ts";
import { addressOf } from "../model/route.ts";
import { pictures } from "../model/words.ts";
import {
  CountChoice,
  EdgeChoice,
  SeedChoice,
  ShapeChoice,
  StrengthChoice,
  StyleChoice,
  WorkflowChoice,
} from "./choices.tsx";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Popover, usePopover } from "./popover.tsx";
import { shapeName, strengthWords } from "./setting-words.ts";
import { StyleSwatch } from "./style-swatch.tsx";
import { useSettings } from "./use-settings.ts";

/** The usual settings, always in sight; the rest one press away. */
export function SettingsLine({ lack }: { lack: string | undefined }) {
  const page = usePage();
  const slot = page.draft.slot.value;
  return (
    <fieldset class="set-line">
      <legend class="vh">Settings</legend>
      <ShapeChip />
      <ChangeChips />
      <StyleChip />
      <CountChip />
      <WorkflowChip />
      <SeedChip />
      {slot.at === "full" && page.route.value.at === "wall" && (
        <a class="chip" href={addressOf({ at: "mask", id: slot.picture.id })}>
          <Icon name="brush" />
          Repaint a part
        </a>
      )}
      <button
        type="button"
        class="chip q"
        aria-expanded={page.trayOpen.value}
        onClick={() => {
          page.trayOpen.value = !page.trayOpen.value;
        }}
      >
        <Icon name="more" />
        All settings
      </button>
      <End lack={lack ?? (slot.at === "refused" ? slot.reason : undefined)} />
    </fieldset>
  );
}

function ShapeChip() {
  const { settings, takes, tool, changed } = useSettings();
  if (!takes("width") && tool !== "outpaint" && tool !== "generate_image") return null;
  const ratio = ratioOf(settings);
  return (
    <Chip
      label="Shape"
      panel={<ShapeChoice />}
      changed={changed("aspect_ratio", "width", "height")}
    >
      <i class="sh" style={{ aspectRatio: String(Math.min(3, Math.max(0.34, ratio))) }} />
      {shapeName(settings, tool)}
    </Chip>
  );
}

/** What only a change of a picture has. */
function ChangeChips() {
  const { settings, takes, tool, changed } = useSettings();
  const soft = settings["feather"];
  return (
    <>
      {takes("strength") && tool !== "outpaint" && (
        <Chip
          label="How much to change"
          panel={<StrengthChoice />}
          changed={changed("strength", "vary")}
        >
          Change it <b>{strengthWords(settings)}</b>
        </Chip>
      )}
      {takes("feather") && (
        <Chip label="Edge of the mask" panel={<EdgeChoice />} changed={changed("feather", "grow")}>
          {soft ? `Edge soft, ${soft} px` : "Edge sharp"}
        </Chip>
      )}
    </>
  );
}

function StyleChip() {
  const { catalogue } = usePage();
  const { settings, takes, changed } = useSettings();
  if (!takes("styles")) return null;
  const styles = (settings["styles"] as string[] | undefined) ?? [];
  const titles = styles.map(
    (name) => catalogue.styles.value.find((style) => style.name === name)?.title ?? name,
  );
  return (
    <Chip label="Style" panel={<StyleChoice />} changed={changed("styles")}>
      {styles.length > 0 ? <StyleSwatch style={styles[0]} /> : <Icon name="style" />}
      {titles.join(", ") || "No style"}
    </Chip>
  );
}

function CountChip() {
  const { settings, takes, changed } = useSettings();
  if (!takes("count")) return null;
  return (
    <Chip label="How many" panel={<CountChoice />} changed={changed("count")}>
      <Icon name="stack" />
      {pictures(Number(settings["count"] ?? 1))}
    </Chip>
  );
}

function WorkflowChip() {
  const { catalogue } = usePage();
  const { workflow, changed } = useSettings();
  const none = catalogue.known.value ? "No workflow yet" : "First that can run";
  return (
    <Chip label="Workflow" panel={<WorkflowChoice />} changed={changed("workflow")}>
      {catalogue.nothingReady.value ? "No workflow yet" : (workflow?.title ?? none)}
    </Chip>
  );
}

function SeedChip() {
  const { settings, takes, changed } = useSettings();
  if (!takes("seed")) return null;
  return (
    <Chip label="Seed" panel={<SeedChoice />} changed={changed("seed")}>
      {settings["seed"] === undefined ? "Any seed" : `Seed ${settings["seed"]}`}
    </Chip>
  );
}

/** What is missing, or else what to expect. */
function End({ lack }: { lack: string | undefined }) {
  const { dragging } = usePage();
  const { settings, tool, workflow } = useSettings();
  if (lack !== undefined) {
    return (
      <span class="end lack" id="lack" role="alert">
        {lack}
      </span>
    );
  }
  if (dragging.value) return <span class="end">Drop to use it</span>;
  return (
    <span class="end">{endWords(tool, workflow?.seconds, Number(settings["count"] ?? 1))}</span>
  );
}

function endWords(tool: string, seconds: number | null | undefined, count: number): string {
  if (seconds) return `About ${Math.round(seconds * count)} s`;
  return tool === "inpaint" ? "The rest stays bit for bit" : "";
}

interface ChipProps {
  label: string;
  panel: ComponentChildren;
  changed: boolean;
  children: ComponentChildren;
}

function Chip({ label, panel, changed, children }: ChipProps) {
  const button = useRef<HTMLButtonElement>(null);
  const { open, toggle, close } = usePopover();
  return (
    <>
      <button
        type="button"
        class={`chip${changed ? " changed" : ""}`}
        ref={button}
        aria-haspopup="dialog"
        aria-expanded={open}
        title={label}
        onClick={toggle}
      >
        <span class="vh">{label}: </span>
        {children}
      </button>
      {open && (
        <Popover label={label} anchor={button} close={close}>
          {panel}
        </Popover>
      )}
    </>
  );
}
