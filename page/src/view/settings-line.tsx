import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { addressOf } from "../model/route.ts";
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
import { useSettings } from "./use-settings.ts";

/** The usual settings, always in sight; the rest one press away. */
export function SettingsLine({ lack }: { lack: string | undefined }) {
  const page = usePage();
  const { settings, takes, tool, workflow, changed } = useSettings();
  const slot = page.draft.slot.value;
  const styles = (settings["styles"] as string[] | undefined) ?? [];
  const count = Number(settings["count"] ?? 1);
  const ratio = settings["aspect_ratio"] ?? (settings["width"] ? undefined : "1:1");
  const refused = slot.at === "refused" ? slot.reason : undefined;
  return (
    <fieldset class="set-line">
      <legend class="vh">Settings</legend>
      {(takes("aspect_ratio") || takes("width")) && (
        <Chip
          label="Shape"
          panel={<ShapeChoice />}
          changed={changed("aspect_ratio", "width", "height")}
        >
          <i class="sh" style={{ aspectRatio: String(ratio ?? "1:1").replace(":", " / ") }} />
          {shapeName(settings)}
        </Chip>
      )}
      {takes("strength") && (
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
          {settings["feather"] ? `Edge soft, ${settings["feather"]} px` : "Edge sharp"}
        </Chip>
      )}
      {takes("styles") && (
        <Chip label="Style" panel={<StyleChoice />} changed={changed("styles")}>
          <Icon name="style" />
          {styles.length === 0
            ? "No style"
            : styles.map(titleOf(page.catalogue.styles.value)).join(", ")}
        </Chip>
      )}
      {takes("count") && (
        <Chip label="How many" panel={<CountChoice />} changed={changed("count")}>
          <Icon name="stack" />
          {count === 1 ? "1 picture" : `${count} pictures`}
        </Chip>
      )}
      <Chip label="Workflow" panel={<WorkflowChoice />} changed={changed("workflow")}>
        {workflow?.title ?? (page.catalogue.known.value ? "No workflow yet" : "First that can run")}
      </Chip>
      {takes("seed") && (
        <Chip label="Seed" panel={<SeedChoice />} changed={changed("seed")}>
          {settings["seed"] === undefined ? "Any seed" : `Seed ${settings["seed"]}`}
        </Chip>
      )}
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
      {lack !== undefined || refused !== undefined ? (
        <span class="end lack" id="lack" role="alert">
          {lack ?? refused}
        </span>
      ) : (
        <span class="end">{endWords(tool, workflow?.seconds, count)}</span>
      )}
    </fieldset>
  );
}

function endWords(tool: string, seconds: number | null | undefined, count: number): string {
  if (seconds) return `About ${Math.round(seconds * count)} s`;
  return tool === "inpaint" ? "The rest stays bit for bit" : "";
}

function titleOf(styles: readonly { name: string; title: string }[]) {
  return (name: string) => styles.find((style) => style.name === name)?.title ?? name;
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
