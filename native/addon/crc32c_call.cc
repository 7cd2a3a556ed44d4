#include "crc32c_call.h"

#include "../crc32c.h"
#include "arguments.h"

namespace sluice {

void DefineCrc(Napi::Env env, Napi::Object exports) {
  exports.Set("crc32c", Napi::Function::New(
                            env,
                            [](const Napi::CallbackInfo& info) {
                              return guarded(info, [&]() -> Napi::Value {
                                const Bytes bytes = bytes_argument(info, 0);
                                const std::int64_t seed = info[1].IsUndefined() ? 0 : integer_argument(info, 1, 0, 4294967295.0);
                                return Napi::Number::New(info.Env(), crc32c(bytes.data, bytes.length, static_cast<std::uint32_t>(seed)));
                              });
                            },
                            "crc32c"));
  exports.Set("crc32cImplementation", Napi::String::New(env, crc32c_name(crc32c_implementation())));
}

}  // namespace sluice
