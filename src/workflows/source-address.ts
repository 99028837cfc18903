/**
 * Where the source of a binding can be opened: `huggingface OWNER/NAME`, with or without a folder
 * after a comma, `github OWNER/NAME`, or an address. Undefined for what names none.
 */
export function addressOfSource(source: string | undefined): string | undefined {
  if (source === undefined) return undefined;
  if (/^https?:/.test(source)) return source;
  const [, host, repository, folder] =
    /^(huggingface|github) ([\w.-]+\/[\w.-]+)(?:, ([\w./-]+))?/.exec(source) ?? [];
  if (repository === undefined) return undefined;
  if (host === "github") return `https://github.com/${repository}`;
  const inside = folder?.includes("/") ? `/tree/main/${folder}` : "";
  return `https://huggingface.co/${repository}${inside}`;
}
