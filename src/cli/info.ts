import { infoText } from '../report/info.ts';
import { infoJson } from '../report/json.ts';
import { appearanceOf, paintOf } from './appearance.ts';
import { EXIT } from './exit.ts';
import { eachFile, isDamaged } from './files.ts';
import type { Io } from './io.ts';
import { oneFile, openOptions, type OpenCommand } from './one-file.ts';

/** The options of `spinback info`. */
export interface InfoCommand extends OpenCommand {
  readonly json?: boolean;
  readonly color: boolean;
}

/** Says of each file what it holds and which questions it can answer. Returns the exit status. */
export async function info(paths: readonly string[], command: InfoCommand, io: Io): Promise<number> {
  const session = await io.session();
  const open = await openOptions(command);
  const appearance = appearanceOf(io, command.color);
  const paint = await paintOf(appearance);
  return await eachFile(paths, io, command.json ? '' : '\n\n', (path) =>
    oneFile(path, open, io, async (capture, options) => {
      const found = session.inspect(capture, options);
      const { problems } = found.trace;
      return {
        text: command.json ? `${infoJson(found)}\n` : infoText(found, { paint, width: appearance.width }),
        exit: isDamaged(problems) ? EXIT.unreadable : EXIT.ok,
        problems,
      };
    }),
  );
}
