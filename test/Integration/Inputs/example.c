/* The C interface from the side of an application: nothing but the generated
   header and the object. */
#include "mlp.h"
#include <stdio.h>
#include <stdlib.h>

static int run(const float *image, float *logits, const int64_t *dims) {
  size_t size = mlp_workspace_size(dims);
  void *workspace = size ? aligned_alloc(64, size) : NULL;
  mlp_args args = {{image}, {logits}, dims, workspace, NULL};
  int error = mlp_run(&args);
  free(workspace);
  return error;
}

int main(void) {
  const float image[2][MLP_INPUT_0_DIM_1] = {{1, 2, 3, 4}, {-1, -1, -1, -1}};
  float logits[2][MLP_OUTPUT_0_DIM_1] = {{0}};
  int64_t batch = 2, empty = 0, negative = -1;

  printf("run %d\n", run(&image[0][0], &logits[0][0], &batch));
  for (int row = 0; row < 2; ++row)
    printf("%g %g\n", logits[row][0], logits[row][1]);

  printf("empty %d\n", run(NULL, NULL, &empty));
  printf("negative %d\n", run(&image[0][0], &logits[0][0], &negative));
  printf("negative size %zu\n", mlp_workspace_size(&negative));
  printf("null input %d\n", run(NULL, &logits[0][0], &batch));
  printf("null dims %d\n", run(&image[0][0], &logits[0][0], NULL));
  printf("null args %d\n", mlp_run(NULL));
  mlp_args args = {{image}, {logits}, &batch, NULL, NULL};
  printf("null workspace %d\n", mlp_run(&args));
  args.workspace = (char *)aligned_alloc(64, 4096) + 8;
  printf("misaligned workspace %d\n", mlp_run(&args));
  printf("%s version %d\n", MLP_OUTPUT_0_NAME, MLP_ABI_VERSION);
  return 0;
}
