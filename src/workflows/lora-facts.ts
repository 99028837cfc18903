/** Models whose LoRAs fit one another; of a variant such as `flux2-klein-4b` those of that variant. */
export interface Family {
  id: string;
  title: string;
}

/** What the header of a LoRA file tells. */
export interface LoraFacts {
  /** Unset when the file does not say, or says something that is not known here. */
  family?: Family;
  /** The words that its author says call it up. */
  triggers: readonly string[];
  /** Without such words: what its training pictures were described by most. */
  tags: readonly string[];
}

export const nothingKnown: LoraFacts = { triggers: [], tags: [] };

/**
 * From the most special name to the most general one: they hold each other. Written for what
 * trainers put into `ss_base_model_version` and `modelspec.architecture` (kohya-ss, musubi-tuner,
 * ai-toolkit, OneTrainer), and for the names of model files.
 */
const families: readonly (Family & { named: RegExp })[] = [
  family("flux2-klein-9b", "FLUX.2 klein 9B", /flux[-_. ]?2.*klein.*9b/),
  family("flux2-klein-4b", "FLUX.2 klein 4B", /flux[-_. ]?2.*klein.*4b/),
  family("flux2-dev", "FLUX.2 dev", /flux[-_. ]?2[-_. ]?dev/),
  family("flux2", "FLUX.2", /flux[-_. ]?2([^0-9]|$)/),
  family("krea2", "Krea 2", /krea[-_. ]?2/),
  family("chroma", "Chroma", /chroma/),
  family("flux1", "FLUX.1", /flux/),
  family("qwen-image", "Qwen-Image", /qwen[-_. ]?image|firered[-_. ]?image/),
  family("z-image", "Z-Image", /z[-_. ]?image/),
  family("hunyuan", "Hunyuan", /hunyuan/),
  family("wan", "Wan", /(^|[^a-z])wan[-_. ]?[0-9]/),
  family("hidream", "HiDream", /hidream/),
  family("lumina2", "Lumina 2", /lumina/),
  family("pixart", "PixArt", /pixart/),
  family("sd3", "Stable Diffusion 3", /sd[-_. ]?3|stable[-_. ]?diffusion[-_. ]?v?3/),
  family(
    "sdxl",
    "SDXL",
    /sd[-_. ]?xl|stable[-_. ]?diffusion[-_. ]?xl|(^|[^a-z])xl|xl([^a-z]|$)|illustrious|noobai/,
  ),
  family("sd2", "Stable Diffusion 2", /sd[-_. ]?v?2|stable[-_. ]?diffusion[-_. ]?v?2|^v2-1/),
  family("sd1", "Stable Diffusion 1.5", /sd[-_. ]?v?1|stable[-_. ]?diffusion[-_. ]?v?1|^v1-5/),
];

function family(id: string, title: string, named: RegExp) {
  return { id, title, named: new RegExp(named, "i") };
}

/** What a file's name, or what a trainer wrote of its base model, says; undefined when neither. */
export function familyNamed(text: string): Family | undefined {
  const name = text.slice(Math.max(text.lastIndexOf("/"), text.lastIndexOf("\\")) + 1);
  return families.find(({ named }) => named.test(name));
}

/** A name without its variant goes with every variant, as nothing says that it does not. */
export function goTogether(a: Family, b: Family): boolean {
  return a.id === b.id || a.id.startsWith(`${b.id}-`) || b.id.startsWith(`${a.id}-`);
}

const longestWords = 60;
const mostWords = 5;

/** Reads the `__metadata__` of a safetensors file, as `GET /view_metadata/loras` answers it. */
export function loraFacts(metadata: Readonly<Record<string, unknown>>): LoraFacts {
  const family = familyIn(metadata);
  const ofFamily = family ? { family } : {};
  const stated = triggersIn(metadata);
  if (stated.length > 0) return { ...ofFamily, triggers: stated, tags: [] };
  const counts = tagCounts(metadata["ss_tag_frequency"]);
  // ai-toolkit puts the trigger word where kohya-ss counts tags, as the one there is.
  if (counts.size === 1) return { ...ofFamily, triggers: [...counts.keys()], tags: [] };
  return { ...ofFamily, triggers: [], tags: frequentTags(counts) };
}

/** The family that the header of any model file names; a LoRA's says `…/lora`. */
export function familyIn(metadata: Readonly<Record<string, unknown>>): Family | undefined {
  const said = [
    text(metadata["modelspec.architecture"]).replace(/\/[^/]*$/, ""),
    text(metadata["ss_base_model_version"]),
    // A file name: that of the model it was trained on.
    text(metadata["ss_sd_model_name"]),
  ];
  for (const each of said) {
    const found = each === "" ? undefined : familyNamed(each);
    if (found) return { id: found.id, title: found.title };
  }
  return undefined;
}

function triggersIn(metadata: Readonly<Record<string, unknown>>): string[] {
  const said = ["modelspec.trigger_phrase", "trigger_phrase", "ss_trigger_words", "trigger_words"]
    .map((key) => text(metadata[key]))
    .find((each) => each.trim() !== "");
  if (said === undefined) return [];
  const list = parsed(said);
  const words = Array.isArray(list) ? list.map(text) : said.split(/[,;\n]/);
  return words
    .map((word) => word.trim())
    .filter(isWord)
    .slice(0, mostWords);
}

/** kohya-ss counts the tags of each training folder: `{"10_fox": {"orange fur": 24}}`. */
function tagCounts(value: unknown): Map<string, number> {
  const counts = new Map<string, number>();
  for (const folder of Object.values(parsed(text(value)) ?? {})) {
    if (typeof folder !== "object" || folder === null) continue;
    for (const [tag, count] of Object.entries(folder)) {
      const word = tag.trim();
      if (isWord(word)) counts.set(word, (counts.get(word) ?? 0) + (Number(count) || 0));
    }
  }
  return counts;
}

/** Those on nearly as many pictures as the first are what the LoRA has learned. */
function frequentTags(counts: ReadonlyMap<string, number>): string[] {
  const inOrder = [...counts].toSorted(([, a], [, b]) => b - a);
  const most = inOrder[0]?.[1] ?? 0;
  // Captions are there once each: nothing stands out.
  if (most <= 1) return [];
  return inOrder
    .filter(([, count]) => count >= most * 0.8)
    .slice(0, mostWords)
    .map(([tag]) => tag);
}

function isWord(word: string): boolean {
  return word !== "" && word.length <= longestWords;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function parsed(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
