// Not a test: a data race that ThreadSanitizer must report. The runner fails when it does not.
#include <thread>

static int counter = 0;

int main() {
  std::thread other([] {
    for (int i = 0; i < 1000; i++) counter++;
  });
  for (int i = 0; i < 1000; i++) counter++;
  other.join();
  return counter < 0;
}
