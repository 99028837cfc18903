import { Drive } from "./drive.ts";
import type { DrivePorts } from "./drive-ports.ts";
import type { LiveTask } from "./live-task.ts";
import { isTerminal } from "./state.ts";

/** Brings tasks to their end: one ComfyUI prompt per run. */
export class Runner {
  readonly #ports: DrivePorts;

  constructor(ports: DrivePorts) {
    this.#ports = ports;
  }

  /**
   * Resolves when every run has ended, or when the task was let go of and its record stays as it
   * is. `resume`: an earlier process may have posted these runs, so ComfyUI is asked first.
   */
  async run(live: LiveTask, resume: boolean): Promise<void> {
    let turn = Promise.resolve();
    const drives: Promise<void>[] = [];
    for (const [index, { state }] of live.draft.runs.entries()) {
      if (isTerminal(state)) continue;
      // One after another into ComfyUI's queue, so that the pictures come in their order; where they
      // wait here, their turns see to it.
      const before = this.#ports.handOver.isAtOnce ? turn : Promise.resolve();
      turn = new Promise((posted) => {
        const drive = new Drive(this.#ports, live, index, resume, posted);
        drives.push(before.then(() => drive.toEnd()).finally(posted));
      });
    }
    await Promise.allSettled(drives);
  }
}
