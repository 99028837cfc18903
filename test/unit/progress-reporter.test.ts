import { expect, test } from "vitest";
import { ProgressReporter } from "../../src/faces/mcp/progress.ts";
import type { Call } from "../../src/faces/mcp/tool.ts";

test("what comes after the last word, or would fall back, is not sent", () => {
  const sent: number[] = [];
  const call = {
    progressToken: "token",
    sendProgress: async (value: number) => {
      sent.push(value);
    },
  } as unknown as Call;
  const reporter = new ProgressReporter(call);
  reporter.alive("waiting");
  reporter.finish("done");
  reporter.alive("still waiting");
  reporter.finish("done again");
  expect(sent).toEqual([0, 1]);
});
