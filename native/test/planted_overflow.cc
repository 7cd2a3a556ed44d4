// Not a test: a write past the end that AddressSanitizer must report. The runner fails when it does not.
#include <cstdlib>

int main(int count, char**) {
  volatile char* volatile bytes = static_cast<char*>(std::malloc(16));  // volatile: neither UBSan nor the optimizer may see through it
  bytes[15 + count] = 1;
  std::free(const_cast<char*>(bytes));
  return 0;
}
