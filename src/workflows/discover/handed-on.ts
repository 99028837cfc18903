import { isLink } from "../../comfy/protocol.ts";
import type { GraphView } from "./view.ts";

/** They show what passes through them; a text they hold is of the last run. */
const shows = /show|display|preview|debug/i;
const chooses = /switch|select|router|ifelse|if else/i;
/** The input by which a node chooses among others. */
const choice = /^(switch|select(ed)?(_?(index|input))?|index|input|boolean|bool|state|condition)$/i;
const whenTrue = /^(on_?true|true|if_?true|tt_value|input_?true|yes)(_value)?$/i;
const whenFalse = /^(on_?false|false|if_?false|ff_value|input_?false|no)(_value)?$/i;

/** The input a node hands on as it is: of a reroute, of a display, the chosen one of a switch. */
export function handedOn(view: GraphView, id: string): string | undefined {
  const inputs = Object.entries(view.node(id)?.inputs ?? {});
  const linked = inputs.filter(([, value]) => isLink(value)).map(([name]) => name);
  if (shows.test(view.classOf(id))) return linked[0];
  if (chooses.test(view.classOf(id))) return chosen(view, id);
  return inputs.length === 1 ? linked[0] : undefined;
}

function chosen(view: GraphView, id: string): string | undefined {
  // "Any Switch" takes the first that is there.
  if (chooserOf(view, id) === undefined) return view.links(id)[0]?.input;
  return chosenInput(view, id);
}

/** The input by which a switch chooses; undefined for what is no such switch. */
export function chooserOf(view: GraphView, id: string): string | undefined {
  if (!chooses.test(view.classOf(id))) return undefined;
  return Object.keys(view.node(id)?.inputs ?? {}).find((name) => choice.test(name));
}

/** The input that a switch takes, where the graph holds what it chooses by. */
export function chosenInput(view: GraphView, id: string): string | undefined {
  const by = chooserOf(view, id);
  if (by === undefined) return undefined;
  const names = Object.keys(view.node(id)?.inputs ?? {});
  const state = chosenBy(view, id, by);
  if (typeof state === "boolean") {
    return names.find((name) => (state ? whenTrue : whenFalse).test(name));
  }
  if (typeof state !== "number") return undefined;
  return names.find((name) => name !== by && Number(/\d+$/.exec(name)?.[0]) === state);
}

/** A literal, or the one that the node before holds; not further, for switches may be in a circle. */
function chosenBy(view: GraphView, id: string, input: string): unknown {
  const link = view.link(id, input);
  if (!link) return view.input(id, input);
  const held = Object.values(view.node(link[0])?.inputs ?? {});
  return held.find((value) => typeof value === "boolean" || typeof value === "number");
}
