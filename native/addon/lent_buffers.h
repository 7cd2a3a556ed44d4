// Buffers of JavaScript as frames: native threads read them in place, and no garbage collector takes them before the last reference has gone.
#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "../slab_pool.h"

namespace sluice {

// JavaScript thread; only frames are released on any.
class LentBuffers {
 public:
  FrameRef lend(SlabPool& pool, Napi::Uint8Array bytes);
  // Lets go of the buffers whose frames were released.
  void settle();
  // Nobody reads them any more. Where the environment ends, its references go with it.
  void end(bool environment_ends);

 private:
  struct Returned {
    std::mutex mutex;
    std::vector<std::uint32_t> places;  // has room for all that is lent
    std::atomic<bool> any{false};
  };
  struct Loan;

  void add_places();

  const std::shared_ptr<Returned> returned_ = std::make_shared<Returned>();
  std::vector<Napi::Reference<Napi::Uint8Array>> lent_;  // by place
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> settling_;
};

}  // namespace sluice
