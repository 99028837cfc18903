import { addressOf } from "../model/route.ts";
import type { Workflow } from "../records.ts";
import { usePage } from "./context.ts";
import { CopyButton } from "./copy-button.tsx";
import { EaselDrawing } from "./easel-drawing.tsx";
import { File } from "./workflow-list.tsx";

const prompts: [words: string, shape: string, ratio: string | undefined][] = [
  ["a lighthouse on a rock at dusk, travel poster", "Tall", "2:3"],
  ["three koi in a dark pond seen from above", "Square", undefined],
  ["two vases and a bowl of fruit, studio light", "Tall", "3:4"],
  ["red dunes at sunset, very wide", "Wide", "16:9"],
];

/** Nothing made yet: one sentence and four ways to begin; or what to download first. */
export function Hello() {
  const { catalogue } = usePage();
  return (
    <section class="hello">
      <EaselDrawing />
      {catalogue.nothingReady.value ? <NoModel /> : <Begin />}
    </section>
  );
}

function Begin() {
  const page = usePage();
  const { catalogue, draft } = page;
  const address = catalogue.me.value?.mcp_url;
  return (
    <div>
      <h1>Nothing painted yet</h1>
      <p class="lead">
        Write below what you want to see and press Generate. Or start with one of these.
      </p>
      <ul class="tries">
        {prompts.map(([words, shape, ratio]) => (
          <li key={words}>
            <button
              type="button"
              onClick={() => {
                draft.prompt.value = words;
                draft.set("generate_image", { aspect_ratio: ratio });
                void page.press().catch((error) => page.fail(error));
              }}
            >
              {words}
              <span>{shape}</span>
            </button>
          </li>
        ))}
      </ul>
      {address && (
        <p class="mcp">
          <span>For an assistant:</span>
          <code>{address}</code>
          <CopyButton text={address} words="Copy" of="the address for an assistant" bare />
        </p>
      )}
      <Ready />
    </div>
  );
}

function Ready() {
  const { catalogue } = usePage();
  const ready = catalogue.workflows.value.filter(
    ({ tool, ready: can }) => tool === "generate_image" && can === true,
  );
  const names = ready.slice(0, 2).map(({ title }) => title);
  const all = catalogue.workflows.value.filter(({ ready: can }) => can === true).length;
  if (names.length === 0) return null;
  const more = all - names.length;
  return (
    <p class="ready">
      <i class="dot" />
      Ready: {more > 0 ? `${names.join(", ")} and ${more} more.` : `${names.join(" and ")}.`}{" "}
      <a class="lnk" href={addressOf({ at: "workflows" })}>
        What else can run
      </a>
    </p>
  );
}

function NoModel() {
  const page = usePage();
  const first = fewestDownloads(page.catalogue.workflows.value);
  return (
    <div>
      <h1>One download first</h1>
      <p class="lead">
        ComfyUI has no model that a workflow here can use. One of these is enough; the page sees it
        as soon as the file is there.
      </p>
      <ul class="need">
        {first.map((workflow) => (
          <li key={workflow.name}>
            <b>{workflow.title}</b>
            {workflow.lacks?.files.map((file) => (
              <File key={file.file} file={file} />
            ))}
          </li>
        ))}
      </ul>
      <p class="btns">
        <button
          type="button"
          class="btn ink"
          onClick={() => void page.catalogue.look().catch((error) => page.fail(error))}
        >
          Look again
        </button>
        <a class="btn bare" href={addressOf({ at: "workflows" })}>
          All workflows
        </a>
      </p>
      <p class="mcp">
        <span>To look around without a model:</span>
        <code>comfy-easel --http --demo</code>
      </p>
    </div>
  );
}

/** The workflows nearest to running: files only, and few of them. */
function fewestDownloads(workflows: readonly Workflow[]): Workflow[] {
  return workflows
    .filter(({ tool, lacks }) => tool === "generate_image" && lacks && lacks.nodes.length === 0)
    .sort((a, b) => (a.lacks?.files.length ?? 0) - (b.lacks?.files.length ?? 0))
    .slice(0, 3);
}
