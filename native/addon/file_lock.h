// Calls that lock a data folder: see lockFile and unlockFile in src/native/binding.ts.
#pragma once

#include <napi.h>

namespace sluice {

// Sets `lockFile` and `unlockFile` on the exports of the addon (see src/native/binding.ts).
void DefineFileLock(Napi::Env env, Napi::Object exports);

}  // namespace sluice
