import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { analyzeCapture, openCapture } from '../src/index.ts';

// A child of replayer.ts: loads the library of one tree, and analyses the file once per message. Answers with the CPU time in ms.

interface Library {
  readonly openCapture: typeof openCapture;
  readonly analyzeCapture: typeof analyzeCapture;
}

const [root, file] = process.argv.slice(2) as [string, string];
const library = (await import(pathToFileURL(join(root, 'dist/src/index.js')).href)) as Library;

process.on('message', async () => {
  const start = process.cpuUsage();
  const capture = await library.openCapture(file);
  library.analyzeCapture(capture);
  capture.close();
  const { user, system } = process.cpuUsage(start);
  process.send!((user + system) / 1000);
});
