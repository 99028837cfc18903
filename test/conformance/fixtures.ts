import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Block, ToolEntry } from "../../src/faces/mcp/answer.ts";
import type { Completions, Typed } from "../../src/faces/mcp/completion.ts";
import type { Deps } from "../../src/faces/mcp/deps.ts";
import type { Peer } from "../../src/faces/mcp/peer.ts";
import type { Prompt } from "../../src/faces/mcp/prompts.ts";
import type { Ask, ClientRequest, Reply } from "../../src/faces/mcp/question.ts";
import { RpcError, rpcCodes } from "../../src/faces/mcp/rpc.ts";
import { type Incoming, Surface } from "../../src/faces/mcp/surface.ts";

/** 1 x 1, red. */
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** No sample. */
const wav = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

const picture: Block = { type: "image", data: png, mimeType: "image/png" };

function text(words: string): Block {
  return { type: "text", text: words };
}

/** Blocks that the protocol has and this server never sends, for good reasons; they must get through. */
function foreign(block: object): Block {
  return block as Block;
}

function embedded(uri: string, mimeType: string, words: string): Block {
  return foreign({ type: "resource", resource: { uri, mimeType, text: words } });
}

const rootsList: ClientRequest = { method: "roots/list", params: {} };

type Fixture = (incoming: Incoming) => Promise<Answer> | Answer;

const changesTools = "test_trigger_tool_change";

const tools: Record<string, Fixture> = {
  [changesTools]: () => ({ content: [text("Told.")] }),
  test_simple_text: () => ({ content: [text("This is a simple text response for testing.")] }),
  test_image_content: () => ({ content: [picture] }),
  test_audio_content: () => ({
    content: [foreign({ type: "audio", data: wav, mimeType: "audio/wav" })],
  }),
  test_embedded_resource: () => ({
    content: [
      embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
    ],
  }),
  test_multiple_content_types: () => ({
    content: [
      text("Multiple content types test:"),
      picture,
      embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  }),
  test_error_handling: () => ({
    content: [text("This tool intentionally returns an error for testing")],
    isError: true,
  }),
  async test_tool_with_logging({ log }) {
    for (const words of [
      "Tool execution started",
      "Tool processing data",
      "Tool execution completed",
    ]) {
      log("warning", words);
      // The suite asks for a pause.
      await delay(50);
    }
    return { content: [text("Logged.")] };
  },
  async test_tool_with_progress({ sendProgress }) {
    for (const progress of [0, 50, 100]) {
      await sendProgress(progress, "Working");
      await delay(50);
    }
    return { content: [text("Done.")] };
  },
  async test_sampling({ args, ask }) {
    const { prompt = "" } = Object(args) as { prompt?: string };
    const { sampled } = await ask({ sampled: sampling(prompt) });
    return { content: [text(`LLM response: ${JSON.stringify(sampled)}`)] };
  },
  test_missing_capability({ peer }) {
    if (peer.capabilities.has("sampling")) return { content: [text("Sampled.")] };
    throw new RpcError(rpcCodes.missingCapability, "This takes sampling.", {
      requiredCapabilities: { sampling: {} },
    });
  },
  test_input_required_result_elicitation: rounds({ user_name: form("name") }),
  test_input_required_result_sampling: rounds({ capital_question: sampling("Capital of France?") }),
  test_input_required_result_list_roots: rounds({ client_roots: rootsList }),
  test_input_required_result_request_state: rounds({ confirm: form("ok") }),
  test_input_required_result_tampered_state: rounds({ confirm: form("ok") }),
  test_input_required_result_multiple_inputs: rounds({
    user_name: form("name"),
    greeting: sampling("Generate a greeting"),
    client_roots: rootsList,
  }),
  test_input_required_result_multi_round: rounds({ step1: form("name") }, { step2: form("color") }),
  async test_input_required_result_capabilities(incoming) {
    const able = incoming.peer.capabilities.has("sampling") ? sampling("Hello") : form("name");
    return rounds({ able })(incoming);
  },
  test_elicitation: asking({
    username: { type: "string", description: "User's response" },
    email: { type: "string", description: "User's email address" },
  }),
  test_elicitation_sep1034_defaults: asking({
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  }),
  test_elicitation_sep1330_enums: asking({
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled("value") },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: {
      type: "array",
      items: { type: "string", enum: ["option1", "option2", "option3"] },
    },
    titledMulti: { type: "array", items: { anyOf: titled("value") } },
  }),
};

function titled(prefix: string): { const: string; title: string }[] {
  return ["One", "Two", "Three"].map((title, i) => ({ const: `${prefix}${i + 1}`, title }));
}

function sampling(words: string): ClientRequest {
  const messages = [{ role: "user", content: { type: "text", text: words } }];
  return { method: "sampling/createMessage", params: { messages, maxTokens: 100 } };
}

function form(field: string, message = field, properties?: Record<string, object>): ClientRequest {
  const asked = properties ?? { [field]: { type: "string" } };
  const requestedSchema = { type: "object", properties: asked, required: Object.keys(asked) };
  return { method: "elicitation/create", params: { mode: "form", message, requestedSchema } };
}

/** Asks round after round, then tells what came. */
function rounds(...all: Record<string, ClientRequest>[]): Fixture {
  return async ({ ask }) => {
    const replies = [];
    for (const questions of all) {
      const came = await ask(questions);
      replies.push(...Object.keys(questions).map((name) => came[name]));
    }
    return { content: [text(`state-ok ${JSON.stringify(replies)}`)] };
  };
}

function asking(properties: Record<string, object>): Fixture {
  return async ({ args, ask }) => {
    const { message = "Please fill in" } = Object(args) as { message?: string };
    const { filled } = await ask({ filled: form("", message, properties) });
    const { action, content } = Object(filled) as Reply;
    return {
      content: [
        text(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`),
      ],
    };
  };
}

const resources: Record<
  string,
  { mimeType: string; text: string } | { mimeType: string; blob: string }
> = {
  "test://static-text": {
    mimeType: "text/plain",
    text: "This is the content of the static text resource.",
  },
  "test://static-binary": { mimeType: "image/png", blob: png },
  "test://watched-resource": { mimeType: "text/plain", text: "Watched" },
};

function argument(name: string) {
  return { name, title: name, description: name, required: true };
}

const asksFirst = "test_input_required_result_prompt";

const prompts: Prompt[] = [
  {
    name: asksFirst,
    title: "Context",
    description: "Context",
    arguments: [],
    say: () => [text("With context.")],
  },
  {
    name: "test_simple_prompt",
    title: "Simple",
    description: "Simple",
    arguments: [],
    say: () => [text("This is a simple prompt for testing.")],
  },
  {
    name: "test_prompt_with_arguments",
    title: "Arguments",
    description: "Arguments",
    arguments: [argument("arg1"), argument("arg2")],
    say: ({ arg1, arg2 }) => [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  },
  {
    name: "test_prompt_with_embedded_resource",
    title: "Resource",
    description: "Resource",
    arguments: [argument("resourceUri")],
    say: ({ resourceUri = "" }) => [
      embedded(resourceUri, "text/plain", "Embedded for testing."),
      text("Please process the embedded resource above."),
    ],
  },
  {
    name: "test_prompt_with_image",
    title: "Image",
    description: "Image",
    arguments: [],
    say: () => [picture, text("Please analyze the image above.")],
  },
];

/** Our surface with all that the conformance suite asks for by name, to go through both translations. */
export class FixtureSurface extends Surface {
  readonly #open: Set<Surface>;

  /** @param open all surfaces of the server */
  constructor(deps: Deps, open: Set<Surface>) {
    super(deps);
    this.#open = open.add(this);
  }

  override close(): void {
    this.#open.delete(this);
    super.close();
  }

  override tools(peer: Peer): ToolEntry[] {
    const added = Object.keys(tools).map((name) => ({
      name,
      title: name,
      description: `Fixture ${name}`,
      inputSchema: { type: "object" as const },
      annotations: {},
    }));
    return [...super.tools(peer), ...added];
  }

  override async call(incoming: Incoming): Promise<Answer> {
    if (incoming.name === changesTools) for (const one of this.#open) one.onToolsChanged();
    return tools[incoming.name]?.(incoming) ?? super.call(incoming);
  }

  override async resources(cursor?: string) {
    const page = await super.resources(cursor);
    const added = Object.entries(resources).map(([uri, { mimeType }]) => ({
      uri,
      name: uri,
      title: uri,
      mimeType,
    }));
    return { ...page, entries: [...page.entries, ...added] };
  }

  override templates() {
    const added = {
      uriTemplate: "test://template/{id}/data",
      name: "template",
      title: "Template",
      description: "Fixture",
    };
    return [...super.templates(), added];
  }

  override async read(uri: string) {
    const found = resources[uri];
    if (found) return { uri, ...found };
    const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
    if (id === undefined) return super.read(uri);
    const data = { id, templateTest: true, data: `Data for ID: ${id}` };
    return { uri, mimeType: "application/json", text: JSON.stringify(data) };
  }

  override async watch(uri: string, signal: AbortSignal, changed: () => Promise<void>) {
    if (!(uri in resources)) await super.watch(uri, signal, changed);
  }

  override prompts() {
    return [...super.prompts(), ...prompts];
  }

  override async prompt(
    name: string,
    args: Readonly<Record<string, string>>,
    ask: Ask | undefined,
  ) {
    const found = prompts.find((prompt) => prompt.name === name);
    if (!found) return super.prompt(name, args, ask);
    if (name === asksFirst) await ask?.({ user_context: form("context") });
    return { description: found.description, blocks: await found.say(args, undefined as never) };
  }

  override async complete(typed: Typed): Promise<Completions> {
    if (!("prompt" in typed.of)) return super.complete(typed);
    const { prompt } = typed.of;
    if (!prompts.some(({ name }) => name === prompt)) return super.complete(typed);
    const values = ["hello", "world"].filter((word) => word.startsWith(typed.value));
    return { values, total: values.length, hasMore: false };
  }
}
