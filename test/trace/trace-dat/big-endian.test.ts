// What is true of little-endian files is true of big-endian ones: the same tests over files that are built the other way round.

import { byteOrder } from '../byte-order.ts';

byteOrder.littleEndian = false;
await import('./built.test.ts');
await import('./damage.test.ts');
await import('./lost-index.test.ts');
