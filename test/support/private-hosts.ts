/** Spellings of this machine that a caller may try: decimal, octal, hexadecimal, short, mapped. */
export const privateHosts = [
  "127.0.0.1",
  "127.0.0.1.",
  "0x7f000001",
  "2130706433",
  "0177.0.0.1",
  "127.1",
  "0.0.0.0",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "localhost",
  "LOCALHOST",
];
