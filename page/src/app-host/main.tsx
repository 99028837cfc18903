import { effect } from "@preact/signals";
import { render } from "preact";
import { Studio } from "./studio.ts";
import { StudioView } from "./view.tsx";

const root = document.getElementById("page");
if (root) {
  const studio = new Studio(window);
  effect(() => {
    if (studio.theme.value) document.documentElement.dataset["theme"] = studio.theme.value;
  });
  render(<StudioView studio={studio} />, root);
  new ResizeObserver(() => studio.sized(root.offsetWidth, root.offsetHeight)).observe(root);
  void studio.open();
}
