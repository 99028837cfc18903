import { SingleBar } from "cli-progress";

/** Where progress goes: `process.stderr`, or a pipe. */
export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean;
}

export interface ProgressView {
  /** `fraction` from 0 to 1. */
  show(fraction: number, words: string): void;
  /** The last words; nothing follows. */
  end(words: string): void;
}

/** Without a terminal there is a line this often at most. */
const everyMs = 2_000;

/** A bar in a terminal, whole lines anywhere else. */
export function progressView(stream: ProgressStream): ProgressView {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: ProgressStream): ProgressView {
  const view = new SingleBar({ format: "{bar} {percentage} % {message}", stream });
  view.start(100, 0, { message: "Queued" });
  return {
    show: (fraction, message) => view.update(Math.floor(fraction * 100), { message }),
    end(message) {
      view.update(message === "Done" ? 100 : view.getProgress() * 100, { message });
      view.stop();
    },
  };
}

function lines(stream: ProgressStream): ProgressView {
  let shown = "";
  let shownAt = Number.NEGATIVE_INFINITY;
  let percent = 0;
  const write = (words: string) => {
    const line = `${String(percent).padStart(3)} % ${words}`;
    if (line === shown) return;
    shown = line;
    shownAt = performance.now();
    stream.write(`${line}\n`);
  };
  return {
    show(fraction, words) {
      percent = Math.floor(fraction * 100);
      if (performance.now() - shownAt >= everyMs) write(words);
    },
    end(words) {
      if (words === "Done") percent = 100;
      write(words);
    },
  };
}
