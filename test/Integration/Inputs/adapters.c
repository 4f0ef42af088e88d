/* LoRA adapters from the side of an application: the base alone, an adapter by
   a pointer, and an adapter for each row. */
#include "lora.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  K = LORA_ADAPTER_0_INPUTS,
  N = LORA_ADAPTER_0_OUTPUTS,
  R = LORA_ADAPTER_MAX_RANK,
  ROWS = 3
};

/* An adapter of rank 1: scale * (x a^T) b^T. */
static void fill(char *block, const float *a, const float *b, float scale) {
  memset(block, 0, LORA_ADAPTER_BYTES);
  memcpy(block + LORA_ADAPTER_0_SCALE, &scale, sizeof scale);
  float *down = (float *)(block + LORA_ADAPTER_0_A);
  float *up = (float *)(block + LORA_ADAPTER_0_B);
  for (int k = 0; k < K; ++k)
    down[k * R] = a[k];
  for (int n = 0; n < N; ++n)
    up[n] = b[n];
}

static void run(const char *what, lora_args *args) {
  float *y = args->outputs[0];
  printf("%s %d\n", what, lora_run(args));
  for (int row = 0; row < ROWS; ++row)
    printf("%g %g %g\n", y[row * N], y[row * N + 1], y[row * N + 2]);
}

int main(void) {
  const float x[ROWS][K] = {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
  const float a0[K] = {1, 1, 1}, b0[N] = {1, 0, 0};
  const float a1[K] = {0, 0, 1}, b1[N] = {0, 1, -1};
  float y[ROWS][N];
  int64_t batch = ROWS;

  char *adapters = aligned_alloc(64, 2 * LORA_ADAPTER_BYTES);
  fill(adapters, a0, b0, 10);
  fill(adapters + LORA_ADAPTER_BYTES, a1, b1, 1);

  size_t size = lora_workspace_size(&batch);
  lora_args args = {{x}, {y}, &batch, aligned_alloc(64, (size + 63) / 64 * 64),
                    NULL, NULL, NULL};
  run("alone", &args);
  args.adapters = adapters;
  run("first", &args);
  args.adapters = adapters + LORA_ADAPTER_BYTES;
  run("second", &args);
  const int32_t adapter_of_row[ROWS] = {1, -1, 0};
  args.adapters = adapters;
  args.adapter_of_row = adapter_of_row;
  run("rows", &args);
  args.adapters = NULL;
  run("none", &args);
  printf("%s, rank %d\n", LORA_ADAPTER_0_LAYER, LORA_ADAPTER_MAX_RANK);
  return 0;
}
