/** Runs one client and prints what its model was shown as one line of JSON. */
const { file, mode, options } = JSON.parse(process.argv[2]);
const { run } = await import(`./clients/${file}.mjs`);
try {
  process.stdout.write(`\n@@${JSON.stringify(await run({ mode, options }))}\n`, () =>
    process.exit(0),
  );
} catch (error) {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stdout.write(`\n@@${JSON.stringify({ threw: message.slice(0, 2_000) })}\n`, () =>
    process.exit(0),
  );
}
