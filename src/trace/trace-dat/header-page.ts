import { SpinbackError } from '../../base/errors.ts';
import type { PageLayout } from '../capture.ts';
import { parseFields } from '../../mapping/parse-format.ts';
import type { Cursor } from './cursor.ts';

/** What tracefs' events/header_page says: the layout of sub-buffer pages, with the kernel's own size of long. */
export interface HeaderPage {
  readonly commitSize: 4 | 8;
  readonly dataAt: number;
  /** Header and data together, in bytes. */
  readonly pageSize: number;
  readonly bigEndian: boolean;
}

/** The commit field counts at most 20 bits of data (kernel/trace/ring_buffer.c, RB_WRITE_MASK), so no page is larger. */
export const LARGEST_PAGE = 1 << 20;
/** Header texts have 205 bytes. */
const LONGEST_HEADER = 64 * 1024;

/** Reads "header_page\0", its text, "header_event\0" and its text: the same bytes in versions 6 and 7. */
export function readHeaderPage(cursor: Cursor): HeaderPage {
  const text = headerText(cursor, 'header_page');
  headerText(cursor, 'header_event');
  return parseHeaderPage(text, cursor);
}

function headerText(cursor: Cursor, tag: string): string {
  const found = cursor.text(tag.length + 1, `the tag "${tag}"`);
  if (found !== `${tag}\0`) throw cursor.damaged(`"${tag}" was expected`);
  const size = cursor.size64(`the size of ${tag}`);
  if (size > LONGEST_HEADER) throw cursor.damaged(`${tag} claims ${size} bytes`);
  return cursor.text(size, tag);
}

//	field: u64 timestamp;	offset:0;	size:8;	signed:0;
//	field: local_t commit;	offset:8;	size:8;	signed:1;
//	field: int overwrite;	offset:8;	size:1;	signed:1;
//	field: char data;	offset:16;	size:4080;	signed:0;
function parseHeaderPage(text: string, cursor: Cursor): HeaderPage {
  const fields = new Map(parseFields(text).map((field) => [field.name, field]));
  const [time, commit, data] = [fields.get('timestamp'), fields.get('commit'), fields.get('data')];
  if (!time || !commit || !data) throw cursor.damaged('header_page does not name timestamp, commit and data');
  const commitSize = commit.size;
  if (time.offset !== 0 || time.size !== 8 || commit.offset !== 8 || (commitSize !== 4 && commitSize !== 8)) {
    throw new SpinbackError(
      'UNSUPPORTED',
      `sub-buffers with the time stamp at ${time.offset} (${time.size} bytes) and commit at ${commit.offset} ` +
        `(${commit.size} bytes) are not read`,
      { offset: cursor.offset },
    );
  }
  if (data.offset !== 8 + commitSize) {
    throw new SpinbackError('UNSUPPORTED', `sub-buffers whose data begins at ${data.offset} are not read`, {
      offset: cursor.offset,
    });
  }
  const bigEndian = !cursor.littleEndian;
  return { commitSize, dataAt: data.offset, pageSize: data.offset + data.size, bigEndian };
}

/**
 * The layout of a lane's pages. `stated` is the page size that the file gives for the lanes (version 6: the header,
 * version 7: the buffer option); it wins over header_page, for recorders older than the sub-buffers of Linux 6.8
 * cut the ring buffer's data into pages of their own. A size that cannot be is replaced by header_page's. `offset` is
 * where the buffer is described, for the error.
 */
export function pageLayout(page: HeaderPage, stated: number, offset: number): PageLayout {
  const { commitSize, dataAt, bigEndian } = page;
  const pageSize = [stated, page.pageSize].find(
    (size) => size > dataAt && size <= LARGEST_PAGE && size % 4 === 0,
  );
  if (pageSize === undefined) {
    throw new SpinbackError(
      'DAMAGED',
      `no page can have ${stated} bytes, nor the ${page.pageSize} of header_page`,
      { offset },
    );
  }
  return { pageSize, commitSize, dataAt, bigEndian };
}
