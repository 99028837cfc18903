import { createHash } from "node:crypto";
import type { InputSpec, NodeInfo, ObjectInfo } from "./protocol.ts";

/** What several ComfyUIs have installed, all of them the same. */
export interface Install {
  objectInfo: ObjectInfo;
  /** Their names. */
  backends: readonly string[];
}

const hashes = new WeakMap<ObjectInfo, string>();

/** One for all that have the same nodes and files, in the order in which they were given. */
export function installsOf(each: readonly { name: string; objectInfo: ObjectInfo }[]): Install[] {
  const [first] = each;
  if (first && each.length === 1) {
    return [{ objectInfo: first.objectInfo, backends: [first.name] }];
  }
  const alike = new Map<string, { objectInfo: ObjectInfo; backends: string[] }>();
  for (const { name, objectInfo } of each) {
    const hash = hashOf(objectInfo);
    const known = alike.get(hash);
    if (known) known.backends.push(name);
    else alike.set(hash, { objectInfo, backends: [name] });
  }
  return [...alike.values()];
}

function hashOf(objectInfo: ObjectInfo): string {
  const known = hashes.get(objectInfo);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(JSON.stringify(objectInfo)).digest("base64");
  hashes.set(objectInfo, hash);
  return hash;
}

/**
 * Everything that is installed anywhere: classes as the first has them, lists of files and other
 * choices joined. No single ComfyUI need have it all, so it tells what can be named, not what runs.
 */
export function joined(installs: readonly Install[]): ObjectInfo {
  const [first, ...others] = installs.map(({ objectInfo }) => objectInfo);
  if (!first) return {};
  if (others.length === 0) return first;
  const all: ObjectInfo = { ...first };
  for (const info of others) {
    for (const [name, node] of Object.entries(info)) {
      const known = Object.hasOwn(all, name) ? all[name] : undefined;
      all[name] = known ? withChoices(known, node) : node;
    }
  }
  return all;
}

function withChoices(known: NodeInfo, other: NodeInfo): NodeInfo {
  const input: NodeInfo["input"] = { ...known.input };
  for (const group of ["required", "optional"] as const) {
    const [mine, theirs] = [known.input[group], other.input[group]];
    if (!mine || !theirs) continue;
    input[group] = Object.fromEntries(
      Object.entries(mine).map(([name, spec]) => {
        const more = Object.hasOwn(theirs, name) ? theirs[name] : undefined;
        return [name, more ? joinedSpec(spec, more) : spec];
      }),
    );
  }
  return { ...known, input };
}

/** A list of choices is the type itself, or the `options` of a "COMBO". */
function joinedSpec(mine: InputSpec, theirs: InputSpec): InputSpec {
  const [type, options] = mine;
  if (Array.isArray(type) && Array.isArray(theirs[0])) {
    const list = [...new Set([...type, ...theirs[0]])];
    return options === undefined ? [list] : [list, options];
  }
  const [own, more] = [options?.["options"], theirs[1]?.["options"]];
  if (type !== "COMBO" || !Array.isArray(own) || !Array.isArray(more)) return mine;
  return [type, { ...options, options: [...new Set([...own, ...more])] }];
}
