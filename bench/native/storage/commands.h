// What main calls: each takes its flags, runs to the end and prints one JSON line. They throw Failure.
#pragma once

#include "../load/arguments.h"

namespace storage {

void append_command(load::Arguments& arguments);
void read_command(load::Arguments& arguments);
void scan_command(load::Arguments& arguments);

}  // namespace storage
