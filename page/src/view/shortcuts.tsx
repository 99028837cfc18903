import { usePage } from "./context.ts";
import { Modal } from "./modal.tsx";

const keys: [string, string][] = [
  ["Ctrl ↵, ⌘ ↵", "Do what the button says"],
  ["Esc", "Close what is on top; in the prompt, leave it"],
  ["G", "To the prompt"],
  ["/", "Search"],
  ["Arrows, Home, End", "Over the wall, through pictures"],
  ["Enter, Space", "Open"],
  ["A  V  I", "Make again, vary, use as input"],
  ["M  X  U  B", "Repaint, paint beyond, enlarge, cut out"],
  ["D, Del", "Download, delete"],
  ["C, Z", "Compare, 100 %"],
  ["Q, W, S", "Queue, workflows, all settings"],
  ["Shift and arrows", "Choose several"],
  ["P  E  O", "In the mask: brush, eraser, box"],
  ["[  ]", "In the mask: size of the brush"],
  ["+  -  0  1", "In the mask: larger, smaller, the whole picture, 100 %"],
  ["Space and drag", "In the mask: move the picture"],
  ["Ctrl Z, Shift Ctrl Z", "In the mask: undo, redo"],
];

export function Shortcuts() {
  const page = usePage();
  return (
    <Modal
      title="Keyboard shortcuts"
      class="middle"
      close={() => {
        page.shortcutsOpen.value = false;
      }}
    >
      <dl class="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
