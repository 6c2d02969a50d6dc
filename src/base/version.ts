/**
 * The version of spinback, as reports print it. A constant, so that `spinback --version` and the viewer need not
 * read package.json; test/cli/usage.test.ts holds the two together.
 */
export const VERSION = '0.1.0';
