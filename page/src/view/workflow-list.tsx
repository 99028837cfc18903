import { seconds } from "../model/words.ts";
import type { MissingFile, MissingNode, Workflow } from "../records.ts";
import { usePage } from "./context.ts";
import { CopyButton } from "./copy-button.tsx";
import { Modal } from "./modal.tsx";

/** Which workflows can run, and what to download for the others. */
export function WorkflowList() {
  const page = usePage();
  const { catalogue } = page;
  const workflows = catalogue.workflows.value;
  const ready = workflows.filter((workflow) => workflow.ready === true);
  const lacking = workflows.filter((workflow) => workflow.ready === false);
  const unknown = workflows.filter(
    (workflow) => workflow.ready === undefined || workflow.ready === null,
  );
  return (
    <Modal
      title="Workflows"
      beside={workflows.length > 0 ? `${ready.length} of ${workflows.length} can run` : ""}
      class="side"
      close={() => page.go({ at: "wall" })}
    >
      {catalogue.problem.value && <p class="sub">{catalogue.problem.value}</p>}
      <Group title="Ready" workflows={ready} />
      <Group title="Not known while ComfyUI is away" workflows={unknown} />
      <Group title="Need something" workflows={lacking} />
      {catalogue.faults.value.length > 0 && (
        <>
          <div class="qh">
            <h3>With a fault</h3>
          </div>
          <ul class="need">
            {catalogue.faults.value.map(({ file, reason }) => (
              <li key={file}>
                <b>{file}</b>
                <p>{reason}</p>
              </li>
            ))}
          </ul>
        </>
      )}
      <button
        type="button"
        class="btn"
        onClick={() => void catalogue.look().catch((error) => page.fail(error))}
      >
        Look again
      </button>
    </Modal>
  );
}

function Group({ title, workflows }: { title: string; workflows: readonly Workflow[] }) {
  const { catalogue } = usePage();
  if (workflows.length === 0) return null;
  return (
    <>
      <div class="qh">
        <h3>{title}</h3>
      </div>
      <ul class="flows">
        {workflows.map((workflow) => (
          <li key={`${workflow.tool}/${workflow.name}`}>
            <p class="name">
              <i class={`dot ${workflow.ready === true ? "" : "wait"}`} />
              <b>{workflow.title}</b>
              <span>{catalogue.tool(workflow.tool)?.title ?? workflow.tool}</span>
              {workflow.seconds ? <span>about {seconds(workflow.seconds)}</span> : null}
            </p>
            {workflow.lacks?.files.map((file) => (
              <File key={file.file} file={file} />
            ))}
            {workflow.lacks?.nodes.map((node) => (
              <Node key={node.class} node={node} />
            ))}
          </li>
        ))}
      </ul>
    </>
  );
}

export function File({ file }: { file: MissingFile }) {
  return (
    <div class="lack">
      <p>
        <code>{file.file}</code>
        {file.folder ? (
          <>
            , into <code>models/{file.folder}/</code>
          </>
        ) : null}
      </p>
      <Source url={file.url} of={file.file} />
    </div>
  );
}

function Node({ node }: { node: MissingNode }) {
  return (
    <div class="lack">
      <p>
        Node <code>{node.class}</code>
        {node.pack ? `, in the pack ${node.pack}` : ""}
      </p>
      <Source url={node.url} of={node.class} />
    </div>
  );
}

/** It is opened here, or its address is taken to the machine that ComfyUI is on. */
function Source({ url, of }: { url: string | null | undefined; of: string }) {
  if (!url) return null;
  return (
    <span class="source">
      <a class="lnk" href={url} target="_blank" rel="noreferrer" aria-label={`Open where ${of} is`}>
        Open
      </a>
      <CopyButton text={url} words="Copy link" of={of} />
    </span>
  );
}
