import { useRef } from "preact/hooks";
import { addressOf } from "../model/route.ts";
import { usePage } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Picture } from "./picture.tsx";
import { Ring } from "./top.tsx";

/** The picture to start from: dropped, pasted or picked, or the one that is open. */
export function Slot() {
  const page = usePage();
  const file = useRef<HTMLInputElement>(null);
  const slot = page.draft.slot.value;
  const input = page.source.picture.value;
  const over = page.dragging.value;
  if (slot.at === "uploading") {
    return (
      <div class="slot" role="status" aria-label={`Uploading ${slot.name}`}>
        <Ring share={0.3} />
      </div>
    );
  }
  if (input && !over) {
    const masked = page.route.value.at === "mask" && page.maskMaker.value !== undefined;
    return (
      <div class={`slot full${masked ? " masked" : ""}`}>
        <a
          href={addressOf({ at: "mask", id: input.id })}
          aria-label={`The picture to start from: ${input.name}. Paint a mask over it.`}
        >
          <Picture
            id={input.id}
            alt=""
            width={60}
            onMissing={() => {
              if (slot.at === "full" && slot.picture === input) page.source.clear();
            }}
          />
        </a>
        {page.route.value.at !== "mask" && (
          <button
            type="button"
            class="x"
            aria-label="Take the picture away"
            onClick={() => page.source.clear()}
          >
            <Icon name="x" />
          </button>
        )}
      </div>
    );
  }
  return (
    <>
      <button
        type="button"
        class={`slot${over ? " over" : ""}`}
        aria-label="Add a picture to start from"
        title="Add a picture to start from"
        onClick={() => file.current?.click()}
      >
        <Icon name="pic" />
      </button>
      <input
        type="file"
        accept="image/*"
        ref={file}
        class="vh"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const [picked] = event.currentTarget.files ?? [];
          if (picked) void page.take(picked);
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}
