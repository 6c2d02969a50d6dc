/** How the text renderers ask for emphasis. What it looks like is the command line's business. */
export interface Paint {
  /** A finding's title. */
  readonly title: (text: string) => string;
  /** Certain findings, damage. */
  readonly alarm: (text: string) => string;
  /** Likely findings, losses. */
  readonly caution: (text: string) => string;
  /** Headings and legends that the eye may skip. */
  readonly quiet: (text: string) => string;
  /** Good news. */
  readonly good: (text: string) => string;
}

const same = (text: string): string => text;

/** No colours: for files, pipes and mails. */
export const PLAIN: Paint = { title: same, alarm: same, caution: same, quiet: same, good: same };
