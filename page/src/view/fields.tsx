import { useId } from "preact/hooks";
import { useSettings } from "./use-settings.ts";

interface NumberProps {
  label: string;
  name: string;
  placeholder?: string;
  minimum?: number | null | undefined;
  maximum?: number | null | undefined;
  step?: number;
}

/** A number that may be left to the server. */
export function NumberField({ label, name, placeholder, minimum, maximum, step }: NumberProps) {
  const { settings, set } = useSettings();
  const id = useId();
  const value = settings[name];
  return (
    <div class={`f${value === undefined ? "" : " changed"}`}>
      <label for={id}>{label}</label>
      <div class="in">
        <input
          id={id}
          type="number"
          inputMode={step === undefined ? "numeric" : "decimal"}
          min={minimum ?? undefined}
          max={maximum ?? undefined}
          step={step ?? 1}
          placeholder={placeholder ?? ""}
          value={value === undefined ? "" : Number(value)}
          onInput={(event) => {
            const text = event.currentTarget.value;
            set({ [name]: text === "" ? undefined : Number(text) });
          }}
        />
      </div>
    </div>
  );
}

export function TextField({ label, name, placeholder }: NumberProps) {
  const { settings, set } = useSettings();
  const id = useId();
  const value = settings[name];
  return (
    <div class={`f w${value === undefined ? "" : " changed"}`}>
      <label for={id}>{label}</label>
      <div class="in">
        <input
          id={id}
          type="text"
          placeholder={placeholder ?? ""}
          value={value === undefined ? "" : String(value)}
          onInput={(event) => set({ [name]: event.currentTarget.value || undefined })}
        />
      </div>
    </div>
  );
}

interface SelectProps {
  label: string;
  name: string;
  /** What is taken when nothing is chosen. */
  standard: string;
  options: readonly (readonly [value: string, title: string])[];
}

export function SelectField({ label, name, standard, options }: SelectProps) {
  const { settings, set } = useSettings();
  const id = useId();
  const value = settings[name];
  return (
    <div class={`f${value === undefined ? "" : " changed"}`}>
      <label for={id}>{label}</label>
      <div class="in">
        <select
          id={id}
          value={value === undefined ? "" : String(value)}
          onChange={(event) => set({ [name]: event.currentTarget.value || undefined })}
        >
          <option value="">{standard}</option>
          {options.map(([option, title]) => (
            <option value={option} key={option}>
              {title}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
