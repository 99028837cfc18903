interface Walk {
  depth: number;
  inString: boolean;
}

const idAt = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*[,}]/y;
/** Python's clients write the id behind the parameters. */
const idAtEnd =
  /\}\s*,(?:\s*"jsonrpc"\s*:\s*"2\.0"\s*,)?\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/** The id of a JSON-RPC request of which only the beginning and the end are known. */
export function idIn(head: string, tail: string): string | number | undefined {
  const found = idInHead(head) ?? idAtEnd.exec(tail)?.[1];
  return found === undefined ? undefined : parsed(found);
}

function idInHead(head: string): string | undefined {
  const walk: Walk = { depth: 0, inString: false };
  for (let at = 0; at < head.length; at++) {
    if (walk.depth === 1 && !walk.inString && head[at] === '"') {
      idAt.lastIndex = at;
      const found = idAt.exec(head)?.[1];
      if (found !== undefined) return found;
    }
    if (walk.inString && head[at] === "\\") at += 1;
    else step(walk, head.charAt(at));
  }
  return undefined;
}

function step(walk: Walk, char: string): void {
  if (char === '"') walk.inString = !walk.inString;
  if (walk.inString) return;
  if (char === "{" || char === "[") walk.depth += 1;
  if (char === "}" || char === "]") walk.depth -= 1;
}

function parsed(json: string): string | number | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
