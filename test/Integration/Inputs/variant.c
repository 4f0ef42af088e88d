/* Which code of an object for several targets runs, before and after the first
   call. */
#include "mlp.h"
#include <stdio.h>

int main(void) {
  int before = mlp_variant();
  int error = mlp_run(NULL);
  printf("variant %d %d\n", before, mlp_variant());
  printf("no arguments: %d\n", error);
  return 0;
}
