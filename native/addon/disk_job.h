// A job of the disk threads that completes a ticket.
#pragma once

#include <cerrno>
#include <new>
#include <utility>

#include "../disk_queue.h"
#include "../event_channel.h"

namespace sluice {

// What a completion carries besides its status.
struct JobValues {
  double a = 0;
  double b = 0;
  double c = 0;
};

// Runs `work(values) -> status` on a lane and completes `ticket`, exactly once.
template <typename Work>
void run_later(EventChannel& events, DiskQueue& queue, Lane lane, Place place, double ticket, Work work, Urgency urgency = Urgency::Prompt) {
  auto job = [&events, ticket, work = std::move(work)]() mutable {
    JobValues values;
    int status;
    try {
      status = work(values);
    } catch (const std::bad_alloc&) {
      status = -ENOMEM;
      values = {};
    }
    events.complete(ticket, status, values.a, values.b, values.c);
  };
  if (!queue.submit(lane, place, std::move(job), urgency)) events.complete(ticket, -EAGAIN);
}

}  // namespace sluice
