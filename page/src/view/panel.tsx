import { callFor, settingsOf } from "../model/request.ts";
import { clock, dayName, titleOf, whoAsked } from "../model/words.ts";
import type { PictureRecord, Task } from "../records.ts";
import { usePage } from "./context.ts";
import { copyText } from "./copy-text.ts";
import { Facts } from "./facts.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { pictureKeys } from "./picture-keys.ts";

interface Props {
  task: Task;
  picture: PictureRecord;
}

const actions: [key: string, icon: IconName, words: string, tool?: string][] = [
  ["a", "again", "Make again"],
  ["v", "vary", "Vary", "img2img"],
  ["m", "brush", "Repaint a part", "inpaint"],
  ["x", "extend", "Paint beyond", "outpaint"],
  ["u", "up", "Enlarge", "upscale"],
  ["b", "cut", "Cut out", "remove_background"],
  ["d", "down", "Download"],
  ["i", "use", "Use as input"],
];

/** What was asked for, what can be done with it, and every fact on record. */
export function Panel({ task, picture }: Props) {
  const page = usePage();
  const keys = pictureKeys(page, { task, picture });
  const tools = page.catalogue.tools.value;
  const day = dayName(task.created_at, new Date()).toLowerCase();
  const by = [whoAsked(task), `${day} ${clock(task.created_at)}`].filter(Boolean).join(", ");
  return (
    <aside class="panel" aria-label="About this picture">
      <h1 class="pt" id="look-title" tabIndex={-1}>
        {titleOf(task)}
      </h1>
      <p class="by">{by}</p>
      <div class="acts">
        {actions
          .filter(
            ([key, , , tool]) =>
              keys[key] && (!tool || tools.length === 0 || tools.some(({ name }) => name === tool)),
          )
          .map(([key, icon, words]) => (
            <button type="button" class="act" key={key} onClick={keys[key]}>
              <Icon name={icon} />
              {words}
              <span class="key" aria-hidden="true">
                <kbd>{key.toUpperCase()}</kbd>
              </span>
            </button>
          ))}
      </div>
      <Facts task={task} picture={picture} />
      <div class="more">
        <button
          type="button"
          class="btn"
          onClick={() => {
            page.draft.replace(task.tool, settingsOf(task, picture));
            if (task.prompt && page.draft.prompt.value.trim() === "")
              page.draft.prompt.value = task.prompt;
            page.say("These settings are on the ledge now.");
          }}
        >
          Use these settings
        </button>
        <button
          type="button"
          class="btn"
          onClick={() => {
            const { tool, arguments: given } = callFor(task, picture);
            const text = JSON.stringify({ name: tool, arguments: given }, null, 2);
            copyText(text).then(
              () => page.say("Copied."),
              (error: unknown) => page.fail(error),
            );
          }}
        >
          <Icon name="copy" />
          Copy as tool call
        </button>
      </div>
    </aside>
  );
}
