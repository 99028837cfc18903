export type Route =
  | { at: "wall" }
  | { at: "picture"; id: string }
  | { at: "mask"; id: string }
  | { at: "queue" }
  | { at: "workflows" };

/** The part of the address after `#`; what means nothing leads to the wall. */
export function parseRoute(hash: string): Route {
  const [first = "", id = "", third = ""] = hash.replace(/^#?\/?/, "").split("/");
  if (first === "p" && id !== "") {
    const name = decodeId(id);
    if (name !== undefined) return { at: third === "mask" ? "mask" : "picture", id: name };
  }
  if (first === "queue") return { at: "queue" };
  if (first === "workflows") return { at: "workflows" };
  return { at: "wall" };
}

function decodeId(id: string): string | undefined {
  try {
    return decodeURIComponent(id);
  } catch {
    return undefined;
  }
}

export function addressOf(route: Route): string {
  switch (route.at) {
    case "wall":
      return "#/";
    case "picture":
      return `#/p/${encodeURIComponent(route.id)}`;
    case "mask":
      return `#/p/${encodeURIComponent(route.id)}/mask`;
    default:
      return `#/${route.at}`;
  }
}
