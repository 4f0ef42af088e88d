/* Runs a layer from i8 to i8 on several numbers of rows and prints a hash of
   each result. What lies behind the input and the output may not be touched. */
#define _GNU_SOURCE
#include "layer.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes that end where no more may be read or written. */
static int8_t *allocate(size_t size) {
  size_t page = sysconf(_SC_PAGESIZE);
  size_t whole = (size + page - 1) / page * page;
  int8_t *start = mmap(NULL, whole + page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(start + whole, page, PROT_NONE);
  return start + whole - size;
}

int main(void) {
  static const int64_t kRows[] = {1, 2, 3, 7, 8, 64, 67, 133};
  for (size_t i = 0; i < sizeof(kRows) / sizeof(kRows[0]); ++i) {
    int64_t rows = kRows[i];
    size_t inputs = rows * LAYER_INPUT_0_DIM_1;
    size_t outputs = rows * LAYER_OUTPUT_0_DIM_1;
    int8_t *input = allocate(inputs), *output = allocate(outputs);
    uint32_t state = 1;
    for (size_t j = 0; j < inputs; ++j) {
      state = state * 1664525 + 1013904223;
      input[j] = (int8_t)(state >> 24);
    }
    size_t size = layer_workspace_size(&rows);
    void *workspace = size ? aligned_alloc(64, size) : NULL;
    layer_args args = {{input}, {output}, &rows, workspace, NULL};
    int error = layer_run(&args);
    uint64_t hash = 14695981039346656037u;
    for (size_t j = 0; j < outputs; ++j)
      hash = (hash ^ (uint8_t)output[j]) * 1099511628211u;
    printf("%d rows: error %d, %016llx\n", (int)rows, error,
           (unsigned long long)hash);
    free(workspace);
  }
  return 0;
}
