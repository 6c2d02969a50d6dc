/** Callers that a line of text shows. */
const SHOWN = 6;

/** The fields as text, and behind them who called, innermost first. */
export function withCallers(text: string, callers: readonly string[]): string {
  if (callers.length === 0) return text;
  const more = callers.length > SHOWN ? ' <- ...' : '';
  return `${text} <- ${callers.slice(0, SHOWN).join(' <- ')}${more}`.trimStart();
}
