/** A flat form, as `elicitation/create` has it in every revision. */
export interface Form {
  message: string;
  requestedSchema: {
    type: "object";
    properties: Record<string, object>;
    required?: string[];
  };
}

export interface Reply {
  action: "accept" | "decline" | "cancel";
  content?: Record<string, unknown> | undefined;
}

/**
 * Asks the person at the client. A client since 2026-07-28 makes its call again with the answer,
 * so a tool asks before it does anything, and once at most.
 */
export type Ask = (form: Form) => Promise<Reply>;

/** Thrown by an `Ask` whose answer comes with the next call; whoever translates turns it into the question. */
export class Asked extends Error {
  readonly form: Form;

  constructor(form: Form) {
    super("The person at the client is asked first.");
    this.form = form;
  }
}

/** What a call asks before it removes so many tasks. */
export const manyTasks = 3;

/** Undefined when nobody chose one of these. */
export async function choose(
  ask: Ask,
  message: string,
  choices: readonly string[],
): Promise<string | undefined> {
  const form: Form = {
    message,
    requestedSchema: {
      type: "object",
      properties: { answer: { type: "string", title: "Answer", enum: choices } },
      required: ["answer"],
    },
  };
  const { action, content } = await ask(form).catch((error: unknown): Reply => {
    if (error instanceof Asked) throw error;
    // A client that says it asks, and cannot: nobody chose.
    return { action: "cancel" };
  });
  if (action !== "accept") return undefined;
  // A form is free to come back with anything.
  return choices.find((choice) => choice === content?.["answer"]);
}
