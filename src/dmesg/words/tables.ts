/** A kernel release as far as it matters here. */
export type Release = readonly [major: number, minor: number];

/** "3.12.47-clouder1" -> [3, 12]; 2.6.32 -> [2, 6]. null where it is none. */
export function releaseOf(kernel: string | null): Release | null {
  const match = kernel === null ? null : /^(\d{1,3})\.(\d{1,3})/.exec(kernel);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

export function isBefore(a: Release, b: Release): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** The meaning of a word's bits from one release up to (not including) another. */
export interface WordEra {
  readonly word: WordName;
  readonly from: Release;
  readonly before: Release;
  /** Names by bit number, from bit 0 on; bits behind the last one are not named because configurations move them. */
  readonly bits: readonly string[];
  readonly source: string;
}

export type WordName = 'buffer_head.b_state' | 'page.flags' | 'inode.i_state' | 'hlist_bl_head.first';

const ALWAYS: Release = [0, 0];
const EVER: Release = [999, 0];

const BH_TO_5_5 =
  'Uptodate Dirty Lock Req Uptodate_Lock Mapped New Async_Read Async_Write Delay Boundary Write_EIO';
const BH_3_12 = `${BH_TO_5_5} Unwritten Quiet Meta Prio Defer_Completion`;
const BH_5_6 =
  'Uptodate Dirty Lock Req Mapped New Async_Read Async_Write Delay Boundary Write_EIO Unwritten Quiet Meta Prio Defer_Completion';
const JBD_BEFORE_5_5 = 'JBD JWrite Freed Revoked RevokeValid JBDDirty State JournalHead Shadow Verified';
const JBD_5_5 = 'JBD JWrite Freed Revoked RevokeValid JBDDirty JournalHead Shadow Verified';

const names = (...lists: readonly string[]): string[] => lists.join(' ').split(' ');

/**
 * Bits of the words that carry locks, per era. buffer_head: include/linux/buffer_head.h (enum bh_state_bits), private
 * bits include/linux/jbd2.h (enum jbd_state_bits). BH_State became a spinlock in v5.5, BH_Uptodate_Lock in v5.6;
 * Defer_Completion came in v3.12, before it only the first twelve bits are the same everywhere.
 */
export const WORD_ERAS: readonly WordEra[] = [
  {
    word: 'buffer_head.b_state',
    from: ALWAYS,
    before: [3, 12],
    bits: names(BH_TO_5_5),
    source: 'include/linux/buffer_head.h v2.6.12 to v3.11',
  },
  {
    word: 'buffer_head.b_state',
    from: [3, 12],
    before: [5, 5],
    bits: names(BH_3_12, JBD_BEFORE_5_5),
    source: 'include/linux/buffer_head.h v3.12 to v5.4, include/linux/jbd2.h',
  },
  {
    word: 'buffer_head.b_state',
    from: [5, 5],
    before: [5, 6],
    bits: names(BH_3_12, JBD_5_5),
    source: 'include/linux/buffer_head.h v5.5, include/linux/jbd2.h',
  },
  {
    word: 'buffer_head.b_state',
    from: [5, 6],
    before: EVER,
    bits: names(BH_5_6, JBD_5_5),
    source: 'include/linux/buffer_head.h since v5.6, include/linux/jbd2.h',
  },
  {
    word: 'page.flags',
    from: ALWAYS,
    before: [4, 10],
    bits: names(
      'locked error referenced uptodate dirty lru active slab owner_priv_1 arch_1 reserved private private_2 writeback',
    ),
    source: 'include/linux/page-flags.h v2.6.36 to v4.9',
  },
  {
    word: 'page.flags',
    from: [4, 10],
    before: [4, 20],
    bits: names(
      'locked error referenced uptodate dirty lru active waiters slab owner_priv_1 arch_1 reserved private private_2 writeback',
    ),
    source: 'include/linux/page-flags.h v4.10 to v4.19',
  },
  {
    word: 'page.flags',
    from: [4, 20],
    before: [6, 6],
    bits: names(
      'locked referenced uptodate dirty lru active workingset waiters error slab owner_priv_1 arch_1 reserved private private_2 writeback head',
    ),
    source: 'include/linux/page-flags.h v4.20 to v6.5',
  },
  {
    word: 'page.flags',
    from: [6, 6],
    before: EVER,
    bits: names('locked writeback referenced uptodate dirty lru head waiters active workingset'),
    source: 'include/linux/page-flags.h since v6.6',
  },
  {
    word: 'inode.i_state',
    from: ALWAYS,
    before: [6, 11],
    bits: names(
      'DIRTY_SYNC DIRTY_DATASYNC DIRTY_PAGES NEW WILL_FREE FREEING CLEAR SYNC REFERENCED DIO_WAKEUP LINKABLE DIRTY_TIME',
    ),
    source: 'include/linux/fs.h v3.x to v6.10',
  },
  {
    word: 'hlist_bl_head.first',
    from: ALWAYS,
    before: EVER,
    bits: ['lock'],
    source: 'include/linux/list_bl.h since v2.6.38',
  },
];

/** A bit of a word that is a lock. */
export interface BitLock {
  readonly word: WordName;
  readonly name: string;
  /** Functions that take it, for looking them up in the stacks of other CPUs. */
  readonly users: RegExp;
  readonly usersText: string;
  readonly source: string;
}

export const BIT_LOCKS: readonly BitLock[] = [
  {
    word: 'buffer_head.b_state',
    name: 'Uptodate_Lock',
    users: /^(?:ext4_finish_bio|end_buffer_async_(?:read|write)\w*|ntfs_end_buffer_async_read)$/,
    usersText: 'ext4_finish_bio, end_buffer_async_read, end_buffer_async_write, ntfs_end_buffer_async_read',
    source: 'fs/buffer.c, fs/ext4/page-io.c, fs/ntfs/aops.c up to v5.5',
  },
  {
    word: 'buffer_head.b_state',
    name: 'State',
    users: /^(?:j(?:bd2_)?journal_\w+|do_get_write_access|jbd2_\w+|__jbd2_\w+|ocfs2_\w*bits\w*)$/,
    usersText: 'jbd2 (jbd_lock_bh_state)',
    source: 'fs/jbd2/transaction.c up to v5.4',
  },
  {
    word: 'buffer_head.b_state',
    name: 'JournalHead',
    users: /^(?:jbd2_journal_(?:add|grab|put)_journal_head|journal_(?:add|grab|put)_journal_head)$/,
    usersText: 'jbd2_journal_add_journal_head, jbd2_journal_grab_journal_head, jbd2_journal_put_journal_head',
    source: 'fs/jbd2/journal.c',
  },
  {
    word: 'page.flags',
    name: 'locked',
    users: /^(?:__?lock_page\w*|__folio_lock\w*|slab_lock|__slab_free|cmpxchg_double_slab)$/,
    usersText: 'lock_page, folio_lock; slab_lock of SLUB up to v6.7',
    source: 'mm/filemap.c, mm/slub.c',
  },
  {
    word: 'hlist_bl_head.first',
    name: 'lock',
    users:
      /^(?:d_alloc_parallel|__?_?d_(?:drop|rehash|lookup_\w+|add)|__d_\w+|dentry_\w*hash\w*|d_\w*splice\w*)$/,
    usersText: 'the dentry hash: d_alloc_parallel, __d_rehash, ___d_drop, __d_lookup_unhash',
    source: 'fs/dcache.c',
  },
];

/** Which word a spinning function's bit lock lies in. */
export const SPINNERS: readonly (readonly [functions: RegExp, word: WordName])[] = [
  [
    /^(?:ext4_finish_bio|ext4_end_bio|end_buffer_async_\w+|ntfs_end_buffer_async_read|j(?:bd2_)?journal_\w+|do_get_write_access)$/,
    'buffer_head.b_state',
  ],
  [/^(?:d_alloc_parallel|___d_drop|__d_\w+|d_rehash|hlist_bl_lock)$/, 'hlist_bl_head.first'],
  [/^(?:slab_lock|__slab_free|__lock_page\w*|__folio_lock\w*)$/, 'page.flags'],
];

/** Non-atomic updates of a lock's word that released kernels had: what makes a lost unlock more than a theory. */
export const KNOWN_DEFECTS: readonly {
  readonly word: WordName;
  readonly seen: RegExp;
  readonly before: Release;
  readonly text: string;
  readonly needsSubPageBlocks: boolean;
}[] = [
  {
    word: 'buffer_head.b_state',
    seen: /^ext4_/,
    before: [4, 5],
    text: "ext4 updated b_state with a plain load and store while mapping blocks until v4.5 (commit ed8ad83808f0, 'ext4: fix bh->b_state corruption'): racing with an atomic unlock it puts the lock bit back",
    needsSubPageBlocks: true,
  },
];
