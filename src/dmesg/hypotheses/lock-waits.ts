import { waitKind } from '../code/names.ts';
import { doing, isIdle, knownDefects, usersAmong, type Facts } from '../facts.ts';
import type { Idea, Weighed } from './idea.ts';

/** A CPU that spins on a lock. */
export function lockWaitIdeas(facts: Facts): Idea[] {
  const { spin, bitLock, others, before, lockWord, subPageBlocks, holder, stillStuck } = facts;
  const users = usersAmong(facts);
  const isBit = spin?.kind === 'bit-spinlock';
  const dumped = new Set(others.map(({ cpu }) => cpu)).size;
  const atomic = before.filter(
    ({ text }) => text.includes('scheduling while atomic') || text.includes('workqueue leaked'),
  );
  const died = before.filter(({ text }) =>
    /Oops|BUG at|general protection|unable to handle|NULL pointer/i.test(text),
  );
  const hardware = before.filter(({ text }) => /Hardware Error|Machine check/i.test(text));
  const splats = before.filter(({ why }) => why.startsWith('lockdep'));
  const own = interruptedUser(facts);
  const defects = knownDefects(facts);
  const lockName = bitLock ? `${bitLock.word}'s ${bitLock.name}` : 'the lock';
  const noUser: Weighed | null =
    bitLock !== null && dumped > 0 && users.length === 0
      ? [
          1,
          `none of the ${dumped} other CPUs shown is in a function that takes ${lockName} (${bitLock.usersText})`,
        ]
      : null;
  const bitIsSet =
    lockWord !== null && bitLock !== null && lockWord.bits.some(({ name }) => name === bitLock.name);
  // Who waits for a call on all CPUs waits for the stuck one.
  const busy = others.filter(
    (dump) => !isIdle(dump) && (dump.function === null || waitKind(dump.function) !== 'csd-wait'),
  );
  const allIdle = dumped > 0 && others.every(isIdle);

  return [
    {
      cause: 'deadlock',
      says: 'the CPU waits for a lock that cannot be let go before it goes on: taken by the context that it interrupted, or in a cycle with another CPU',
      facts: [
        own === null
          ? null
          : [4, `the context that was interrupted here is in ${own}, which takes the same lock`],
        splats.length === 0 ? null : [1, `earlier in this log: ${splats[0]!.text}`],
        holder !== null && holder.pid === facts.group.pid && holder.pid !== 0
          ? [4, `the owner (${holder.comm}/${holder.pid}) is the task that spins`]
          : null,
      ],
      settledBy:
        'lockdep (CONFIG_PROVE_LOCKING), which reports the order or the recursion before it locks up',
    },
    {
      cause: 'holder-elsewhere',
      says: 'another CPU or task holds the lock and does not get on',
      facts: [
        holder === null || holder.pid === facts.group.pid
          ? null
          : [4, `owner: ${holder.comm}/${holder.pid}, says ${holder.why}`],
        ...users
          .slice(0, 4)
          .map(({ cpu, function: name }): Weighed => [
            3,
            `CPU ${cpu} is in ${name}, which takes ${lockName}`,
          ]),
        ...sameWait(facts)
          .slice(0, 1)
          .map((text): Weighed => [1, text]),
        ...(bitLock === null
          ? busy
              .slice(0, 3)
              .map((dump): Weighed => [0.5, `CPU ${dump.cpu} ${doing(dump)}: it may hold the lock`])
          : []),
        allIdle
          ? [-1.5, `all ${dumped} other CPUs shown are idle: a holder would have to sleep or be preempted`]
          : null,
        dumped === 0
          ? [1.5, 'whoever took the lock last may have it still: the log does not show the other CPUs']
          : null,
        noUser === null ? null : [-1, noUser[1]],
        isBit && bitIsSet ? [1, `the word has the lock's bit set, as it would under a holder`] : null,
        atomic.length > 0 || died.length > 0
          ? [-1, 'the task that last had to do with a lock is gone or went on without it']
          : null,
      ],
      settledBy:
        'backtraces of all CPUs at the same moment (kernel.hardlockup_all_cpu_backtrace=1, sysrq-l) and of blocked tasks (sysrq-w)',
    },
    {
      cause: 'missing-unlock',
      says: 'whoever took the lock last never let it go: an error path that returns, exits or sleeps without the unlock',
      facts: [
        ...atomic
          .slice(0, 2)
          .map(({ text, why }): Weighed => [4, `earlier: ${text}${why === '' ? '' : ` (${why})`}`]),
        ...died
          .slice(0, 1)
          .map(({ text }): Weighed => [3, `earlier a task died, and what it held stays taken: ${text}`]),
        noUser,
        allIdle ? [0.5, 'no other CPU is at work that could end in an unlock'] : null,
        isBit && bitIsSet ? [0.5, 'the lock bit is set in the word'] : null,
        atomic.length === 0 && died.length === 0
          ? [-0.5, 'no earlier report of a task that slept or died in an atomic section']
          : null,
      ],
      settledBy:
        "a trace of the lock's takes and releases that reaches back to before the lockup: its last taker without a release",
    },
    {
      cause: 'lost-unlock',
      says: 'the lock was let go, but a plain (non-atomic) store to the same word put its bit back',
      facts: isBit
        ? [
            [
              0.5,
              'a bit lock shares its word with flags: any plain read-modify-write of those flags can undo an unlock',
            ],
            ...defects.map((text): Weighed => [2, text]),
            allIdle ? [0.5, 'no other CPU is in a section that could hold it'] : null,
            subPageBlocks
              ? [
                  1,
                  'block size below page size: the word that carries the lock also carries the flags of a buffer that others may update meanwhile',
                ]
              : null,
            noUser,
            bitIsSet
              ? [0.5, 'the lock bit is set in the word, and no owner is recorded for bit locks']
              : null,
            ...users
              .slice(0, 1)
              .map(({ cpu, function: name }): Weighed => [
                -2,
                `CPU ${cpu} is in ${name} and may simply hold the lock`,
              ]),
            ...atomic
              .slice(0, 1)
              .map((): Weighed => [
                -2,
                'an earlier report of a broken atomic section explains a lock that stays taken better',
              ]),
          ]
        : [],
      settledBy:
        'a trace with the words seen by the take, the release and the plain stores to this word (kprobes that fetch it)',
    },
    {
      cause: 'corrupted-word',
      says: 'something wrote over the lock: use after free, overrun',
      facts: [
        strange(facts) === null ? null : [2, strange(facts)!],
        ...died.slice(0, 1).map(({ text }): Weighed => [1, `earlier in this log: ${text}`]),
        spin?.from === 'code' ? [0, 'cannot be excluded by a log'] : null,
        lockWord !== null && strange(facts) === null
          ? [-1.5, `the word ${lockWord.value} is a plausible set of flags`]
          : null,
      ],
      settledBy: 'KASAN or slub_debug on the same workload; the whole struct from a dump',
    },
    {
      cause: 'hardware',
      says: 'the machine misbehaves',
      facts: [
        ...hardware.slice(0, 2).map(({ text }): Weighed => [4, text]),
        spin?.from === 'code' ? [0, 'cannot be excluded by a log'] : null,
        hardware.length === 0 ? [-1, 'no machine check or hardware error in this log'] : null,
        spin?.from === 'code'
          ? [-1, 'code, registers and loop agree: the CPU executes what the kernel tells it to']
          : null,
        lockWord !== null && bitIsSet
          ? [
              -1,
              "the word in memory agrees with what the CPU spins for: a software's state, not a flipped bit",
            ]
          : null,
        stillStuck.length > 0 ? [-0.5, 'a later backtrace shows the same place: the state is stable'] : null,
      ],
      settledBy: 'the machine check log (mcelog, rasdaemon); whether other machines of the model show it',
    },
  ];
}

/** A user of the same lock in the interrupted part of the spinning CPU's own stack. */
function interruptedUser({ stack, bitLock, function: name }: Facts): string | null {
  if (bitLock === null) return null;
  const inner = stack.find(({ part, reliable }) => part !== 'nmi' && reliable)?.part ?? 'process';
  const order = ['nmi', 'hardirq', 'softirq', 'process'];
  const outer = stack.filter(({ part, reliable }) => reliable && order.indexOf(part) > order.indexOf(inner));
  return (
    outer.find((frame) => bitLock.users.test(frame.function) && frame.function !== name)?.function ?? null
  );
}

/** Other CPUs that wait the same way. */
function sameWait({ others, function: name, spin }: Facts): string[] {
  if (spin === null || name === null) return [];
  const same = others.filter((dump) => dump.function === name);
  if (same.length === 0) return [];
  return [
    `${same.length} other CPU${same.length > 1 ? 's wait' : ' waits'} in ${name} too (${same
      .slice(0, 6)
      .map(({ cpu }) => `CPU ${cpu}`)
      .join(', ')})`,
  ];
}

/** What about the lock's word is impossible. */
function strange({ lockWord, spin }: Facts): string | null {
  const value = lockWord?.value ?? null;
  if (
    value !== null &&
    BigInt(value) >> 32n !== 0n &&
    lockWord!.what !== 'page.flags' &&
    lockWord!.what !== 'hlist_bl_head.first'
  ) {
    return `the word ${value} has bits beyond any flag`;
  }
  const magic = /^0x(?:6b6b6b6b|5a5a5a5a|dead)/.exec(spin?.seen?.value ?? value ?? '');
  return magic ? `the word holds a poison pattern (${magic[0]}...)` : null;
}
