import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Tests run against the compiled engine and the compiled command line: build what is missing. */
export default function setup(): void {
  const built = ['build/release.wasm', 'build/debug.wasm', 'build/testing.wasm', 'dist/cli.cjs'].every(
    (path) => existsSync(path),
  );
  if (!built) execFileSync('npm', ['run', 'build'], { stdio: 'inherit' });
}
