/*
 * Replays a workload through the release engine as wasm2c translated it: the native bound of the same algorithm.
 *
 *   driver IMAGE INPUT WARM
 *
 * IMAGE  linear memory as it is after set-up, written by bench/native.ts
 * INPUT  u64 bytes per lane (as many as the image has lanes), then the lanes' bytes one after another
 * WARM   bytes of each lane whose time does not count
 *
 * Prints the nanoseconds of CPU time spent in step(), and the number of events replayed.
 * Field offsets come from assembly/layout.ts as -D options.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "release.h"

#define WASM_PAGE 65536ull

struct Z_env_instance_t {
  wasm_rt_memory_t memory;
};

wasm_rt_memory_t *Z_envZ_memory(struct Z_env_instance_t *env) {
  return &env->memory;
}

static struct Z_env_instance_t env;

static void die(const char *what) {
  fprintf(stderr, "driver: %s\n", what);
  exit(2);
}

static unsigned char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) die(path);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = malloc(*size);
  if (!bytes || fread(bytes, 1, *size, file) != *size) die(path);
  fclose(file);
  return bytes;
}

static u32 get32(u64 at) {
  u32 value;
  memcpy(&value, env.memory.data + at, sizeof value);
  return value;
}

static u64 get64(u64 at) {
  u64 value;
  memcpy(&value, env.memory.data + at, sizeof value);
  return value;
}

static void set32(u64 at, u32 value) {
  memcpy(env.memory.data + at, &value, sizeof value);
}

static u64 now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (u64)time.tv_sec * 1000000000ull + (u64)time.tv_nsec;
}

/* What WasmEngine.supply() does. */
static void supply(u64 lane, u32 bytes) {
  const u64 origin = get64(lane + LANE_ORIGIN) + get32(lane + LANE_FILLED);
  memcpy(env.memory.data + lane + LANE_ORIGIN, &origin, sizeof origin);
  set32(lane + LANE_FILLED, bytes);
  set32(lane + LANE_CURSOR, 0);
  set32(lane + LANE_PAGE, 0);
  set32(lane + LANE_PAGE_END, 0);
}

int main(int argc, char **argv) {
  if (argc != 4) die("usage: driver IMAGE INPUT WARM");
  size_t image_size, input_size;
  unsigned char *image = read_all(argv[1], &image_size);
  unsigned char *input = read_all(argv[2], &input_size);
  const u64 warm = strtoull(argv[3], NULL, 10);

  wasm_rt_init();
  Z_release_init_module();
  wasm_rt_allocate_memory(&env.memory, (u32)(image_size / WASM_PAGE), 65536);
  Z_release_instance_t engine;
  Z_release_instantiate(&engine, &env);
  memcpy(env.memory.data, image, image_size);

  const u32 lanes = get32(STATE + HEAD_LANE_COUNT);
  const u64 table = get32(STATE + HEAD_LANES);
  u64 *left = malloc(lanes * sizeof *left);
  unsigned char **next = malloc(lanes * sizeof *next);
  if (!left || !next || input_size < lanes * sizeof *left) die("the input does not fit the image");
  memcpy(left, input, lanes * sizeof *left);
  unsigned char *at = input + lanes * sizeof *left;
  for (u32 n = 0; n < lanes; n++) {
    next[n] = at;
    at += left[n];
  }
  if (at != input + input_size) die("the input does not fit the image");

  u64 spent = 0, given = 0;
  for (;;) {
    const u64 start = now();
    const s32 result = (s32)Z_releaseZ_step(&engine);
    if (given >= warm) spent += now() - start;
    if (result == STEP_DONE) break;
    if (result == STEP_RING_FULL) set32(STATE + HEAD_RING_TAIL, get32(STATE + HEAD_RING_HEAD));
    if (result < 0) continue;
    const u64 lane = table + (u64)result * LANE_SIZE;
    const u32 room = get32(lane + LANE_CAPACITY);
    const u32 bytes = left[result] < room ? (u32)left[result] : room;
    memcpy(env.memory.data + get32(lane + LANE_WINDOW), next[result], bytes);
    given += bytes;
    supply(lane, bytes);
    next[result] += bytes;
    left[result] -= bytes;
    if (bytes == 0) env.memory.data[lane + LANE_STATE] = LANE_STATE_LAST;
  }
  printf("%llu %llu\n", (unsigned long long)spent, (unsigned long long)get64(STATE + HEAD_EVENTS));
  return 0;
}
