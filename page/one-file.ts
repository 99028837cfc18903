import type { Plugin } from "vite";

/** Puts the page's script and styles into its HTML: a host of MCP Apps is handed one text. */
export function oneFile(): Plugin {
  return {
    name: "one-file",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = Object.values(bundle).find(({ fileName }) => fileName.endsWith(".html"));
      if (page?.type !== "asset") throw new Error("the build has no page");
      let html = String(page.source);
      for (const part of Object.values(bundle)) {
        if (part === page) continue;
        html = part.type === "chunk" ? withScript(html, part) : withStyle(html, part);
        delete bundle[part.fileName];
      }
      page.source = html;
    },
  };
}

/** At the end of the body: a script without an address is not deferred unless it is a module. */
function withScript(html: string, { fileName, code }: { fileName: string; code: string }): string {
  const text = code.replaceAll("</script", "<\\/script").trim();
  return replaced(html, new RegExp(`<script[^>]*${literal(fileName)}[^>]*></script>`), "").replace(
    "</body>",
    () => `<script type="module">${text}</script>\n  </body>`,
  );
}

function withStyle(
  html: string,
  { fileName, source }: { fileName: string; source: string | Uint8Array },
): string {
  const style = `<style>${String(source).trim()}</style>`;
  return replaced(html, new RegExp(`<link[^>]*${literal(fileName)}[^>]*>`), style);
}

function replaced(html: string, pattern: RegExp, by: string): string {
  if (!pattern.test(html)) throw new Error(`${pattern} is not in the page`);
  return html.replace(pattern, () => by);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
