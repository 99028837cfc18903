import { kindOf } from "../model/media.ts";
import type { PictureRecord, Task } from "../records.ts";
import { usePage } from "./context.ts";
import { download } from "./download.ts";
import { Icon, type IconName } from "./icons.tsx";

/** Shortcuts for a mouse; keys and the opened picture do the same. */
export function QuickBar({ task, picture }: { task: Task; picture: PictureRecord }) {
  const page = usePage();
  const run = (work: Promise<void>) => void work.catch((error) => page.fail(error));
  const ofPictures: typeof actions = [
    ["vary", "Vary", () => run(page.vary(task, picture))],
    ["use", "Use as input", () => page.use(task, picture)],
  ];
  const actions: [IconName, string, () => void][] = [
    ["again", "Make again", () => run(page.again(task))],
    ...(kindOf(picture) === "picture" ? ofPictures : []),
    ["down", "Download", () => run(download(page.client, picture))],
  ];
  return (
    <div class="quick">
      {actions.map(([icon, name, act]) => (
        <button type="button" key={name} tabIndex={-1} aria-label={name} title={name} onClick={act}>
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}
