/**
 * What a model was shown of a tool's result: its parts, and how many characters of text they are.
 * A picture that is a picture has no characters here; one that was made text has tens of thousands.
 */
export function shownIn(bodies) {
  const last = bodies.at(-1);
  if (!last) throw new Error("the model was never asked");
  const parts = partsOf(last.body).map(part);
  if (parts.length === 0) throw new Error("the model was never told the result");
  return {
    blocks: parts.map(({ kind }) => kind),
    characters: parts.reduce((sum, { characters }) => sum + characters, 0),
    text: parts.map(({ text }) => text).join("\n"),
  };
}

function partsOf(body) {
  if (Array.isArray(body.input)) return outputsOf(body.input);
  const at = body.messages.findLastIndex(({ role }) => role === "assistant");
  return body.messages
    .slice(at + 1)
    .flatMap(({ content }) => listed(content).flatMap(insideResult));
}

function outputsOf(input) {
  const at = input.findIndex(({ type }) => type === "function_call_output");
  return input
    .slice(at)
    .flatMap(({ output, content }) => listed(output ?? content))
    .filter((each) => each !== undefined);
}

function insideResult(block) {
  return block.type === "tool_result" ? listed(block.content) : [block];
}

function listed(content) {
  return Array.isArray(content) ? content : [content];
}

function part(block) {
  const text = typeof block === "string" ? block : (block.text ?? undefined);
  if (text !== undefined) return { kind: "text", characters: text.length, text };
  if (/image/.test(block.type)) return { kind: "image", characters: 0, text: "" };
  const json = JSON.stringify(block);
  return { kind: block.type ?? "json", characters: json.length, text: json };
}

/** A run of base64 this long in a text is a picture that nobody will see. */
export function hasBase64(text) {
  return /[A-Za-z0-9+/]{400}/.test(text);
}
