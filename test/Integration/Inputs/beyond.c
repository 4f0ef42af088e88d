/* Programs of 4 bytes in, 4 bytes out and 64 bytes of workspace that touch what
   they must not, but for the first one, for sweep-guards.test. */
#include <stddef.h>
#include <stdint.h>

struct args {
  volatile int8_t *input, *output;
  const int64_t *dims;
  volatile int8_t *workspace;
};

static size_t get_size(const int64_t *dims) { return 64; }

static int nothing(const void *data) {
  const struct args *args = data;
  for (int i = 0; i < 64; ++i)
    args->workspace[i] = 1;
  for (int i = 0; i < 4; ++i)
    args->output[i] = args->input[i] + args->workspace[60 + i];
  return 0;
}

#define PROGRAM(NAME, STATEMENT)                                               \
  static int NAME(const void *data) {                                          \
    const struct args *args = data;                                            \
    STATEMENT;                                                                 \
    return 0;                                                                  \
  }
PROGRAM(read_after, args->input[4])
PROGRAM(read_before, args->input[-1])
PROGRAM(write_input, args->input[0] = 1)
PROGRAM(write_after, args->output[4] = 1)
PROGRAM(write_before, args->output[-1] = 1)
PROGRAM(workspace_after, args->workspace[64] = 1)
PROGRAM(workspace_before, args->workspace[-1] = 1)

/* Those with even numbers go too far, for make_runs.py. */
const struct {
  int (*run)(const void *args);
  size_t (*workspace_size)(const int64_t *dims);
} programs[] = {{nothing, get_size},         {nothing, get_size},
                {read_after, get_size},      {read_before, get_size},
                {write_after, get_size},     {write_before, get_size},
                {workspace_after, get_size}, {workspace_before, get_size},
                {write_input, get_size}};
