/** Nobody misspells at such length, and comparing takes time that grows with it. */
const longestName = 200;

/** The known names a misspelt one most likely meant, best first; none if nothing is close. */
export function nearest(name: string, known: readonly string[], most = 3): string[] {
  if (name.length > longestName) return [];
  const wanted = fold(name);
  return known
    .map((candidate) => ({ candidate, distance: distanceTo(wanted, fold(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** A part of a name, or one without its extension, is as good as one typing mistake. */
function distanceTo(wanted: string, candidate: string): number {
  if (wanted.length > 2 && candidate.includes(wanted)) return wanted === candidate ? 0 : 1;
  return editDistance(wanted, candidate);
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, right] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** A value as it may appear in a message: one line, at most `length` characters. */
export function cut(value: string, length = 120): string {
  const line = value.slice(0, 4 * length).replace(/\s+/g, " ");
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function megabytes(bytes: number): string {
  return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
}

/** Characters that a reader does not see but a model reads: controls, joiners, tags, selectors. */
const invisible =
  /\p{Cf}|\p{Cc}|\p{Co}|\p{Cs}|\p{Cn}|\p{Variation_Selector}|\p{Default_Ignorable_Code_Point}/gu;

/**
 * Text from outside (titles, notes, file names, ComfyUI's messages) on its way to a model: one line
 * of at most `length` characters, without invisible characters, and with nothing left of HTML or
 * Markdown that a client would carry out.
 */
export function plain(text: string, length = 300): string {
  const seen = text
    .slice(0, 8 * length)
    .normalize("NFC")
    .replace(/\s+/g, " ")
    .replace(invisible, "")
    .replace(/<!--.*?(?:-->|$)/g, "")
    .replaceAll("<", "‹")
    .replaceAll(">", "›")
    .replace(/!?\[([^\]]*)\]\(/g, "$1 (")
    .replaceAll("`", "'");
  return cut(seen.trim(), length);
}

/** As `plain`, in quotation marks that it cannot leave: to be read as said by others. */
export function quoted(text: string, length = 300): string {
  return `"${plain(text, length).replaceAll('"', "'")}"`;
}

/** "1 task", "2 tasks". */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
