/*===- driver.c - Runs programs between pages that must not be touched
-----===*\
|*
|* Part of quantc, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|*===----------------------------------------------------------------------===*|
|*
|*   driver RUNS INPUTS OUTPUTS FIRST
|*
|* RUNS is an array of `struct run`, INPUTS holds their inputs, one after the
|* other. OUTPUTS gets, for each run from FIRST on, what the program returned
|* and, if that is 0, its output. Every buffer lies in pages of its own, at
|* their end or at their start, and the pages around them cannot be accessed, so
|* that a program that reads or writes past a buffer ends this process. What
|* NativeRuns.cpp compiles, beside a table `programs`.
|*
\*===----------------------------------------------------------------------===*/

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct program {
  int (*run)(const void *args);
  size_t (*workspace_size)(const int64_t *dims);
};
extern const struct program programs[];

/* `NativeRuns.cpp` writes it. */
struct run {
  int64_t program;
  int64_t rows;    /* the only dynamic dimension; negative if there is none */
  int64_t threads; /* of the executor; 0 for none */
  int64_t at_end;
  int64_t num_inputs;
  int64_t num_adapter_buffers; /* 2 with adapters, or 0 */
  int64_t input_bytes[4];      /* of inputs, then of these */
  int64_t output_bytes;
};

/*===-- Memory ------------------------------------------------------------===*/

struct buffer {
  char *start; /* the page before it is the first that must not be touched */
  size_t pages_bytes;
  char *data;
};

static size_t page;

/* `size` bytes of rubbish. At the end of pages they have no more alignment
   than `size` has, which is what the interface asks for. */
static struct buffer allocate(size_t size, int at_end) {
  struct buffer b;
  b.pages_bytes = (size + page - 1) / page * page;
  char *map = mmap(NULL, b.pages_bytes + 2 * page, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED)
    exit(2);
  b.start = map + page;
  if (b.pages_bytes &&
      mprotect(b.start, b.pages_bytes, PROT_READ | PROT_WRITE) != 0)
    exit(2);
  memset(b.start, 0xa5, b.pages_bytes);
  b.data = at_end ? b.start + b.pages_bytes - size : b.start;
  return b;
}

static void release(struct buffer b) {
  munmap(b.start - page, b.pages_bytes + 2 * page);
}

/*===-- Threads -----------------------------------------------------------===*/

struct executor {
  void (*parallel_for)(const struct executor *self,
                       void (*task)(void *data, int64_t i), void *data,
                       int64_t count);
  int64_t num_threads;
};

struct loop {
  void (*task)(void *data, int64_t i);
  void *data;
  _Atomic int64_t left;
};

/* From the last to the first: no loop may rely on an order. */
static void *run_tasks(void *argument) {
  struct loop *loop = argument;
  int64_t i;
  while ((i = atomic_fetch_sub(&loop->left, 1) - 1) >= 0)
    loop->task(loop->data, i);
  return NULL;
}

static void parallel_for(const struct executor *self,
                         void (*task)(void *data, int64_t i), void *data,
                         int64_t count) {
  struct loop loop = {task, data, count};
  pthread_t threads[8];
  int64_t others = self->num_threads - 1;
  for (int64_t i = 0; i < others; ++i)
    if (pthread_create(&threads[i], NULL, run_tasks, &loop) != 0)
      exit(2);
  run_tasks(&loop);
  for (int64_t i = 0; i < others; ++i)
    pthread_join(threads[i], NULL);
}

/*===-- Runs --------------------------------------------------------------===*/

/* A buffer with the next `size` bytes of `file`, which cannot be changed. */
static struct buffer read_buffer(size_t size, int at_end, FILE *file) {
  struct buffer b = allocate(size, at_end);
  if (fread(b.data, 1, size, file) != size ||
      (b.pages_bytes && mprotect(b.start, b.pages_bytes, PROT_READ) != 0))
    exit(2);
  return b;
}

static void execute(const struct run *run, FILE *inputs, FILE *outputs) {
  const struct program *program = &programs[run->program];
  const int64_t *dims = run->rows < 0 ? NULL : &run->rows;
  struct executor executor = {parallel_for, run->threads};
  int64_t num_inputs = run->num_inputs;
  int64_t num_read = num_inputs + run->num_adapter_buffers;
  struct buffer buffers[4];
  for (int64_t i = 0; i < num_read; ++i)
    buffers[i] = read_buffer(run->input_bytes[i], run->at_end, inputs);
  struct buffer output = allocate(run->output_bytes, run->at_end);
  struct buffer workspace =
      allocate(program->workspace_size(dims), run->at_end);

  /* The fields of <name>_args, all of them one pointer wide; later ones are
     null. */
  const void *args[16] = {0};
  const void **next = args;
  for (int64_t i = 0; i < num_inputs; ++i)
    *next++ = buffers[i].data;
  *next++ = output.data;
  *next++ = dims;
  *next++ = workspace.data;
  *next++ = run->threads ? &executor : NULL;
  for (int64_t i = num_inputs; i < num_read; ++i)
    *next++ = buffers[i].data;

  int32_t code = program->run(args);
  fwrite(&code, sizeof(code), 1, outputs);
  if (code == 0)
    fwrite(output.data, 1, run->output_bytes, outputs);
  fflush(outputs);
  for (int64_t i = 0; i < num_read; ++i)
    release(buffers[i]);
  release(output);
  release(workspace);
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  FILE *runs = fopen(argv[1], "rb"), *inputs = fopen(argv[2], "rb"),
       *outputs = fopen(argv[3], "wb");
  if (!runs || !inputs || !outputs)
    return 2;
  page = sysconf(_SC_PAGESIZE);
  struct run run;
  for (long i = 0, first = atol(argv[4]); fread(&run, sizeof(run), 1, runs);
       ++i) {
    if (i >= first) {
      execute(&run, inputs, outputs);
      continue;
    }
    for (int64_t k = 0; k < run.num_inputs + run.num_adapter_buffers; ++k)
      fseek(inputs, run.input_bytes[k], SEEK_CUR);
  }
  return fclose(outputs) != 0;
}
