// Not a test: a leak that LeakSanitizer must report. The runner fails when it does not.
#include <cstdlib>

static void* volatile lost;

int main() {
  lost = std::malloc(100);
  lost = nullptr;
  return 0;
}
