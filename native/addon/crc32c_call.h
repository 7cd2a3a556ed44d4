// crc32c of the addon (see src/native/binding.ts).
#pragma once

#include <napi.h>

namespace sluice {

// Sets `crc32c` and `crc32cImplementation` on the exports of the addon.
void DefineCrc(Napi::Env env, Napi::Object exports);

}  // namespace sluice
