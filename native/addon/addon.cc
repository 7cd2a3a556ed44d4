// The addon: one set of exports per environment (main thread, each worker), no state that two of them share.
#include <napi.h>

#include "crc32c_call.h"
#include "file_lock.h"
#include "record_walk_call.h"
#include "runtime.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Runtime", sluice::Runtime::define(env));
  sluice::DefineCrc(env, exports);
  sluice::DefineRecordWalk(env, exports);
  sluice::DefineFileLock(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(sluice, initialize)
