import type { Page } from "../model/page.ts";
import { PageContext } from "./context.ts";
import { DeleteDialog } from "./delete-dialog.tsx";
import { EaselStage } from "./easel.tsx";
import { Hello } from "./hello.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { Ledge } from "./ledge.tsx";
import { Look } from "./look.tsx";
import { MaskEditor } from "./mask-editor.tsx";
import { Queue } from "./queue.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { Since } from "./since.tsx";
import { isEmpty, Top } from "./top.tsx";
import { Wall } from "./wall.tsx";
import { WorkflowList } from "./workflow-list.tsx";

export function App({
  page,
  giveKey,
}: {
  page: Page;
  giveKey: (key: string, keep: boolean) => void;
}) {
  const route = page.route.value;
  const over = route.at === "picture" || route.at === "mask";
  const empty = isEmpty(page);
  const hello = empty || page.catalogue.nothingReady.value;
  return (
    <PageContext.Provider value={page}>
      <button type="button" class="skip" onClick={() => document.getElementById("prompt")?.focus()}>
        To the prompt
      </button>
      <div inert={over}>
        <Top />
      </div>
      <div class="main" role={over ? undefined : "main"} inert={over}>
        {!(hello || over) && <h1 class="vh">Pictures</h1>}
        {hello && <Hello />}
        <EaselStage />
        <Since />
        {!empty && <Wall />}
      </div>
      {route.at === "picture" && <Look id={route.id} key="look" />}
      {route.at === "mask" && <MaskEditor id={route.id} key={route.id} />}
      <Ledge />
      {route.at === "queue" && <Queue />}
      {route.at === "workflows" && <WorkflowList />}
      {page.shortcutsOpen.value && <Shortcuts />}
      {page.deleteOpen.value && <DeleteDialog />}
      {page.keyOpen.value && <KeyDialog give={giveKey} />}
      <p class="vh" role="status" aria-live="polite">
        {page.announcer.said.value}
      </p>
    </PageContext.Provider>
  );
}
