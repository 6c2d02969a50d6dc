import { expect, test } from 'vitest';
import { callSiteOf, withCallers } from '../../src/trace/callers.ts';

test('the call site is the first caller that is not about locking', () => {
  const chain = [
    '__traceiter_contention_begin+0x4a',
    'native_queued_spin_lock_slowpath+0x1c',
    '_raw_spin_lock_irqsave+0x40',
  ];
  expect(callSiteOf([...chain, 'ext4_finish_bio+0x273', 'ext4_end_bio+0x4a'])).toBe('ext4_finish_bio');
  expect(callSiteOf(['0xffffffff81000100', '__mutex_lock+0x1', 'mutex_lock_nested+0x24'])).toBeNull();
  expect(callSiteOf(['down_write+0x1', 'rwsem_down_write_slowpath+0x3', 'update_process_times+0x3'])).toBe(
    'update_process_times',
  );
  expect(callSiteOf(['downgrade_something+0x3'])).toBe('downgrade_something');
});

test('a line shows the first callers', () => {
  expect(withCallers('x=1', [])).toBe('x=1');
  expect(withCallers('', ['a', 'b'])).toBe('<- a <- b');
  expect(withCallers('x', ['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe(
    'x <- a <- b <- c <- d <- e <- f <- ...',
  );
});
