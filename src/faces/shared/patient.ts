/** As long as a timer can be. */
export const everMs = 2 ** 31 - 1;

/** Between two blanks; clients give up after 5 s without a byte. */
const blankMs = 2_000;

/** What is there within `ms`; undefined when it is not. Rejects as `work` does. */
export async function within<T>(work: Promise<T>, ms: number): Promise<{ value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), over]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * JSON that takes its time: blanks, which JSON allows before a value, keep the client's clock from
 * running out. `failed` words what goes wrong, as the status is sent already.
 */
export function patientJson(work: Promise<unknown>, failed: (error: unknown) => unknown): Response {
  const encoder = new TextEncoder();
  let isGone = false;
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const write = (text: string) => {
        if (!isGone) controller.enqueue(encoder.encode(text));
      };
      const beat = setInterval(() => write(" "), blankMs);
      const answer = await work.catch(failed);
      clearInterval(beat);
      write(JSON.stringify(answer));
      if (!isGone) controller.close();
    },
    cancel() {
      isGone = true;
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}
