// The call that walks the records of a batch: see walkRecords in src/native/binding.ts.
#pragma once

#include <napi.h>

namespace sluice {

// Sets `walkRecords` on the exports of the addon (see src/native/binding.ts).
void DefineRecordWalk(Napi::Env env, Napi::Object exports);

}  // namespace sluice
