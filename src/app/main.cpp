// The entry of the binary.
#include "app/cli.h"

int main(int count, char** arguments) {
  return sluice::app::run(count, arguments);
}
