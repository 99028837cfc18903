/** What a call is told of something in it that nothing follows. */
export function noEffect(name: string, why: string): string {
  return `${name} has no effect: ${why}.`;
}
