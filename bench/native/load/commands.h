// What main calls: each takes its flags, runs to the end and prints one JSON line. They throw Failure.
#pragma once

#include "arguments.h"

namespace load {

void produce_command(Arguments& arguments);
void fetch_command(Arguments& arguments);
void latency_command(Arguments& arguments);
void idle_command(Arguments& arguments);
void canned_command(Arguments& arguments);
void drop_cache_command(Arguments& arguments);

}  // namespace load
