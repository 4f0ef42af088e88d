/* An executor on POSIX threads, and others that a caller may think of: all give
   the bytes of a serial call. */
#include "net.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 67, COLUMNS = NET_OUTPUT_0_DIM_1 };

static atomic_int calls;

struct part {
  void (*task)(void *, int64_t);
  void *data;
  int64_t index;
};

static void *run_part(void *argument) {
  struct part *part = argument;
  part->task(part->data, part->index);
  return NULL;
}

/* A thread for each task. */
static void on_threads(const quantc_executor *self, void (*task)(void *, int64_t),
                       void *data, int64_t count) {
  pthread_t threads[NET_MAX_THREADS];
  struct part parts[NET_MAX_THREADS];
  (void)self;
  atomic_fetch_add(&calls, 1);
  for (int64_t i = 0; i < count; ++i) {
    parts[i] = (struct part){task, data, i};
    pthread_create(&threads[i], NULL, run_part, &parts[i]);
  }
  for (int64_t i = 0; i < count; ++i)
    pthread_join(threads[i], NULL);
}

/* The calling thread, last task first. */
static void backwards(const quantc_executor *self, void (*task)(void *, int64_t),
                      void *data, int64_t count) {
  (void)self;
  atomic_fetch_add(&calls, 1);
  while (count-- > 0)
    task(data, count);
}

static int8_t x[MAX_ROWS][NET_INPUT_0_DIM_1];
static float v[NET_INPUT_1_DIM_0][NET_INPUT_1_DIM_1];
static float serial[MAX_ROWS][COLUMNS];

struct call {
  int64_t rows;
  const quantc_executor *executor;
  float y[MAX_ROWS][COLUMNS];
  int error;
};

static void *run(void *argument) {
  struct call *call = argument;
  size_t size = net_workspace_size(&call->rows);
  net_args args = {{x, v}, {call->y}, &call->rows, NULL, call->executor};
  args.workspace = aligned_alloc(64, (size + 63) / 64 * 64);
  call->error = net_run(&args);
  free(args.workspace);
  return NULL;
}

static struct call calls_at_once[3];

static int is_equal(const struct call *call) {
  return !call->error &&
         !memcmp(call->y, serial, sizeof(float) * call->rows * COLUMNS);
}

int main(void) {
  for (int i = 0; i < MAX_ROWS * NET_INPUT_0_DIM_1; ++i)
    x[0][i] = (int8_t)(i * 37 % 251 - 125);
  for (int i = 0; i < NET_INPUT_1_DIM_0 * NET_INPUT_1_DIM_1; ++i)
    v[0][i] = (float)(i * 31 % 509) / 128 - 2;
  static struct call call;
  for (int64_t rows = 1; rows <= MAX_ROWS; rows += 33) {
    call = (struct call){.rows = rows};
    run(&call);
    memcpy(serial, call.y, sizeof(serial));
    int before = atomic_load(&calls), equal = 1;
    for (int64_t threads = -1; threads <= 9; ++threads) {
      quantc_executor on = {on_threads, threads}, back = {backwards, threads};
      call = (struct call){.rows = rows, .executor = &on};
      run(&call);
      equal &= is_equal(&call);
      call = (struct call){.rows = rows, .executor = &back};
      run(&call);
      equal &= is_equal(&call);
    }
    printf("%d rows: %s, %s\n", (int)rows, equal ? "equal" : "different",
           atomic_load(&calls) > before ? "handed out" : "serial");
  }

  /* One thread hands out nothing. */
  int before = atomic_load(&calls);
  quantc_executor one = {on_threads, 1};
  call = (struct call){.rows = MAX_ROWS, .executor = &one};
  run(&call);
  printf("one thread: %d calls\n", atomic_load(&calls) - before);

  /* Calls at the same time, each with its own workspace. */
  quantc_executor four = {on_threads, 4};
  pthread_t threads[3];
  int equal = 1;
  for (int i = 0; i < 3; ++i) {
    calls_at_once[i] = (struct call){.rows = MAX_ROWS, .executor = &four};
    pthread_create(&threads[i], NULL, run, &calls_at_once[i]);
  }
  for (int i = 0; i < 3; ++i) {
    pthread_join(threads[i], NULL);
    equal &= is_equal(&calls_at_once[i]);
  }
  printf("at once: %s\n", equal ? "equal" : "different");
  return 0;
}
