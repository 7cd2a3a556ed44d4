#include "record_walk_call.h"

#include "../record_walk.h"
#include "arguments.h"

namespace sluice {
namespace {

constexpr std::size_t kFields = 4;

Napi::Value walk(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    const Bytes bytes = bytes_argument(info, 0);
    const auto start = static_cast<std::size_t>(integer_argument(info, 1, 0, static_cast<double>(bytes.length)));
    const auto end = static_cast<std::size_t>(integer_argument(info, 2, static_cast<double>(start), static_cast<double>(bytes.length)));
    const auto count = static_cast<std::int32_t>(integer_argument(info, 3, 0, 2147483647.0));
    const Doubles into = doubles_argument(info, 4, kFields);
    RecordFacts facts;
    const RecordFault fault = walk_records(bytes.data + start, end - start, count, facts);
    into.data[0] = static_cast<double>(facts.min_timestamp_delta);
    into.data[1] = static_cast<double>(facts.max_timestamp_delta);
    into.data[2] = static_cast<double>(facts.first_without_key);
    into.data[3] = static_cast<double>(facts.index);
    return Napi::Number::New(info.Env(), static_cast<double>(static_cast<int>(fault)));
  });
}

}  // namespace

void DefineRecordWalk(Napi::Env env, Napi::Object exports) { exports.Set("walkRecords", Napi::Function::New(env, walk, "walkRecords")); }

}  // namespace sluice
