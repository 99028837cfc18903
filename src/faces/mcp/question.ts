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

/** What a server may ask of its client, spelt as in every revision. */
export interface ClientRequest {
  method: "elicitation/create" | "roots/list" | "sampling/createMessage";
  params: Readonly<Record<string, unknown>>;
}

/**
 * Asks the client, each question under a name of its own within the call. A client since 2026-07-28
 * makes its call again with the replies, so a call asks before it does anything.
 */
export type Ask = (
  questions: Readonly<Record<string, ClientRequest>>,
) => Promise<Record<string, unknown>>;

/** Thrown by an `Ask` whose replies come with the next call; whoever translates turns it into the questions. */
export class Asked extends Error {
  readonly questions: Readonly<Record<string, ClientRequest>>;

  constructor(questions: Readonly<Record<string, ClientRequest>>) {
    super("The client is asked first.");
    this.questions = questions;
  }
}

/** What a call asks before it removes so many tasks. */
export const manyTasks = 3;

/** What the person filled in; undefined when nobody did. */
export async function fill(
  ask: Ask,
  name: string,
  message: string,
  properties: Record<string, object>,
): Promise<Record<string, unknown> | undefined> {
  const form: Form = {
    message,
    requestedSchema: { type: "object", properties, required: Object.keys(properties) },
  };
  const question: ClientRequest = {
    method: "elicitation/create",
    params: { mode: "form", ...form },
  };
  const replies = await ask({ [name]: question }).catch(
    (error: unknown): Record<string, unknown> => {
      if (error instanceof Asked) throw error;
      // A client that says it asks, and cannot: nobody filled it in.
      return {};
    },
  );
  // A form is free to come back with anything.
  const { action, content } = Object(replies[name]) as Partial<Reply>;
  return action === "accept" ? Object(content) : undefined;
}

/** Undefined when nobody chose one of these. */
export async function choose(
  ask: Ask,
  name: string,
  message: string,
  choices: readonly string[],
): Promise<string | undefined> {
  const answer = { type: "string", title: "Answer", enum: choices };
  const filled = await fill(ask, name, message, { answer });
  return choices.find((choice) => choice === filled?.["answer"]);
}
