import { expect, test } from "vitest";
import { PromptRejectedError } from "../../src/comfy/errors.ts";
import { resultFiles } from "../../src/comfy/outputs.ts";
import { expectPicture, graphOf, impatientBackend, posts, start } from "../support/comfy.ts";
import { startBackend, startEmulator } from "../support/world.ts";

test.for(["500", "cut", "silence"] as const)(
  "a POST that is accepted but answered with %s is not posted again",
  async (answer) => {
    const emulator = await startEmulator();
    emulator.faults.acceptThenFail = { times: 1, answer };
    const { outcome } = start(impatientBackend(emulator.url), graphOf(1));

    expectPicture(await outcome);
    expect(posts(emulator)).toBe(1);
  },
);

test("a POST that is refused with a 500 is posted again", async () => {
  const emulator = await startEmulator();
  emulator.faults.failRequests = [{ method: "POST", path: "/prompt", times: 1, status: 500 }];
  const { outcome } = start(startBackend(emulator.url), graphOf(1));

  expectPicture(await outcome);
});

test("a run that ended before the POST was answered is not missed", async () => {
  const emulator = await startEmulator();
  const backend = startBackend(emulator.url);
  await backend.ready();
  const ended = await Promise.all(
    Array.from({ length: 20 }, (_, i) => start(backend, graphOf(i)).outcome),
  );

  for (const outcome of ended) expectPicture(outcome);
});

test("a picture that is cut on its way is asked for again", async () => {
  const emulator = await startEmulator();
  emulator.faults.truncateView = 1;
  const backend = startBackend(emulator.url);
  const outcome = await start(backend, graphOf(1)).outcome;
  const [file] = outcome.kind === "completed" ? resultFiles(outcome.outputs["3"]) : [];

  const bytes = await backend.fetchFile(file!);

  expect(bytes?.subarray(-8, -4).toString()).toBe("IEND");
});

test("a 200 that dropped an output is withdrawn and reported", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["4"] = {
    class_type: "EmptyImage",
    inputs: { width: 0, height: 64, batch_size: 1, color: 0 },
  };
  graph["5"] = { class_type: "SaveImage", inputs: { images: ["4", 0], filename_prefix: "x" } };
  const hold = emulator.hold("EmptyImage");
  const { outcome, promptId } = start(startBackend(emulator.url), graph);

  await expect(outcome).rejects.toThrow(/withdrawn: node 4 \(EmptyImage\).*width/);
  hold.release();
  const backend = startBackend(emulator.url);
  await expect.poll(async () => (await backend.lookup(promptId)).kind).toMatch(/gone|interrupted/);
});

test("a refused graph names node, input and value", async () => {
  const emulator = await startEmulator();
  const graph = graphOf(1);
  graph["2"]!.inputs["upscale_method"] = "nope";
  const { outcome } = start(startBackend(emulator.url), graph);

  await expect(outcome).rejects.toThrow(PromptRejectedError);
  await expect(outcome).rejects.toThrow(
    /node 2 \(ImageScale\): "Value not in list: upscale_method: 'nope' not in/,
  );
});

test("credentials and a path prefix reach HTTP and the socket", async () => {
  const value = `Basic ${Buffer.from("ann:p@ss").toString("base64")}`;
  const emulator = await startEmulator({
    pathPrefix: "/comfy",
    auth: { header: "authorization", value },
  });
  const url = emulator.url.replace("://", "://ann:p%40ss@");
  const backend = startBackend(url);
  const { outcome, statuses } = start(backend, graphOf(1));

  expectPicture(await outcome);
  expect(statuses.some(({ phase }) => phase === "running")).toBe(true);
  expect(backend.url).not.toContain("p%40ss");
});
