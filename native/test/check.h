// Assertions of the native tests: plain executables that end with 0 when everything held.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <iostream>

#define CHECK(condition)                                                                    \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);          \
      std::exit(1);                                                                         \
    }                                                                                       \
  } while (0)

#define CHECK_EQ(actual, expected)                                                          \
  do {                                                                                      \
    const auto& actual_value = (actual);                                                    \
    const auto& expected_value = (expected);                                                \
    if (!(actual_value == expected_value)) {                                                \
      std::cerr << __FILE__ << ":" << __LINE__ << ": " << #actual << " is " << actual_value \
                << ", expected " << expected_value << std::endl;                            \
      std::exit(1);                                                                         \
    }                                                                                       \
  } while (0)
