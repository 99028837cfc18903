import { type ResultMimeType, resultExtensions } from "../../../images/media.ts";

const mostLetters = 60;
/** Of an input id, which is a whole hash, its beginning says enough. */
const idLetters = 20;

/** What a picture is called on somebody's disk: the words it was made from, then its id. */
export function fileName(prompt: string, id: string, mimeType: ResultMimeType): string {
  const words = prompt
    .slice(0, 4 * mostLetters)
    .normalize("NFKD")
    .toLowerCase()
    .match(/[a-z0-9]+/g);
  const said: string[] = [];
  for (const word of words ?? []) {
    if ([...said, word].join("-").length > mostLetters) break;
    said.push(word);
  }
  return `${[...said, id.slice(0, idLetters)].join("-")}.${resultExtensions[mimeType]}`;
}
