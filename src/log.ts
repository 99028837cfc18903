export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Leveled lines on stderr; stdout belongs to MCP. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export function createLog(level: LogLevel, write: (line: string) => void = writeStderr): Log {
  const floor = logLevels.indexOf(level);
  const at = (name: LogLevel) => (message: string) => {
    if (logLevels.indexOf(name) < floor) return;
    write(`${new Date().toISOString()} ${name} ${message}`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function writeStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
