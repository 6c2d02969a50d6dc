import { main } from './command-line.ts';

// Whoever reads the help may stop early (| head).
process.stdout.on('error', () => {});
process.exitCode = await main(process.argv.slice(2));
