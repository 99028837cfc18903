import { createServer } from "node:http";

/**
 * A model's API on loopback that records every body it is sent. Asked for the first time it calls
 * the tool, once it is told the result it ends the conversation: what is in between is what a model
 * would have been shown.
 */
export async function startModelEndpoint(call) {
  const bodies = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
    bodies.push({ path: request.url, body });
    const api = apis.find(({ path }) => request.url?.endsWith(path));
    if (!api) return void response.writeHead(404).end("{}");
    const answer = api.hasResult(body) ? api.say("Done.") : api.callTool(call);
    if (body.stream !== true) {
      return void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(answer));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of api.events(answer)) {
      if (event.type) response.write(`event: ${event.type}\n`);
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    response.end(api.last ?? "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}

const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };

const responses = {
  path: "/responses",
  hasResult: ({ input }) =>
    Array.isArray(input) && input.some(({ type }) => type === "function_call_output"),
  callTool: ({ name, args }) =>
    response([
      {
        type: "function_call",
        id: "fc_1",
        call_id: "call_1",
        name,
        arguments: JSON.stringify(args),
        status: "completed",
      },
    ]),
  say: (text) =>
    response([
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text, annotations: [] }],
      },
    ]),
  *events(answer) {
    yield { type: "response.created", response: { ...answer, output: [], status: "in_progress" } };
    const [item] = answer.output;
    yield { type: "response.output_item.added", output_index: 0, item };
    yield { type: "response.output_item.done", output_index: 0, item };
    yield { type: "response.completed", response: answer };
  },
};

function response(output) {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1,
    model: "model",
    status: "completed",
    error: null,
    incomplete_details: null,
    output,
    usage: {
      ...usage,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  };
}

const chat = {
  path: "/chat/completions",
  hasResult: ({ messages }) => messages.some(({ role }) => role === "tool"),
  callTool: ({ name, args }) =>
    completion("tool_calls", {
      role: "assistant",
      content: null,
      tool_calls: [
        {
          id: "call_1",
          type: "function",
          function: { name, arguments: JSON.stringify(args) },
        },
      ],
    }),
  say: (content) => completion("stop", { role: "assistant", content }),
  *events({ choices: [choice], ...rest }) {
    const { message, finish_reason } = choice;
    const calls = message.tool_calls?.map((call, index) => ({ index, ...call }));
    const delta = { ...message, ...(calls ? { tool_calls: calls } : {}) };
    yield { ...rest, object: "chat.completion.chunk", choices: [{ index: 0, delta }] };
    yield {
      ...rest,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: {}, finish_reason }],
    };
  },
  last: "data: [DONE]\n\n",
};

function completion(finish_reason, message) {
  return {
    id: "chat_1",
    object: "chat.completion",
    created: 1,
    model: "model",
    choices: [{ index: 0, message, finish_reason, logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

const messages = {
  path: "/messages",
  hasResult: (body) =>
    body.messages.some(
      ({ content }) => Array.isArray(content) && content.some(({ type }) => type === "tool_result"),
    ),
  callTool: ({ name, args }) =>
    message("tool_use", [{ type: "tool_use", id: "toolu_1", name, input: args }]),
  say: (text) => message("end_turn", [{ type: "text", text }]),
  *events(answer) {
    const [block] = answer.content;
    yield { type: "message_start", message: { ...answer, content: [], stop_reason: null } };
    yield {
      type: "content_block_start",
      index: 0,
      content_block: block.type === "text" ? { ...block, text: "" } : { ...block, input: {} },
    };
    yield {
      type: "content_block_delta",
      index: 0,
      delta:
        block.type === "text"
          ? { type: "text_delta", text: block.text }
          : { type: "input_json_delta", partial_json: JSON.stringify(block.input) },
    };
    yield { type: "content_block_stop", index: 0 };
    yield {
      type: "message_delta",
      delta: { stop_reason: answer.stop_reason, stop_sequence: null },
      usage: { output_tokens: 1 },
    };
    yield { type: "message_stop" };
  },
};

function message(stop_reason, content) {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "model",
    content,
    stop_reason,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}

const apis = [responses, chat, messages];
