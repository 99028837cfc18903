// The suite imports `globSync`, which `fs` has since Node 22, for a command that is not used here.
const shim = `data:text/javascript,${encodeURIComponent(
  `export * from "node:fs"; export { default } from "node:fs";
   export function globSync() { throw new Error("Node 20 has no globSync"); }`,
)}`;

export async function resolve(specifier, context, next) {
  const isSuite = context.parentURL?.includes("@modelcontextprotocol/conformance/dist/");
  if (specifier === "fs" && isSuite) return { url: shim, shortCircuit: true, format: "module" };
  return next(specifier, context);
}
