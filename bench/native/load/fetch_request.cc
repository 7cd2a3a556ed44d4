#include "fetch_request.h"

#include <algorithm>

namespace load {

FetchFrame make_fetch(const Topic& topic, int partition, const FetchOptions& options) {
  FetchFrame fetch;
  Writer writer = request(Api::Fetch, options.version);
  if (options.version < 15) writer.i32(-1);  // replica id
  writer.i32(options.max_wait_ms);
  writer.i32(1);
  writer.i32(options.max_bytes);
  writer.i8(0);   // read uncommitted
  writer.i32(0);  // no fetch session
  writer.i32(-1);
  writer.array(1);
  if (options.version < kFirstFetchById) {
    writer.text(topic.name);
  } else {
    writer.raw(topic.id);
  }
  writer.array(1);
  writer.i32(partition);
  writer.i32(-1);
  fetch.offset_at = writer.size();
  writer.i64(0);
  writer.i32(-1);
  writer.i64(-1);
  writer.i32(options.max_bytes);
  writer.no_tags();
  writer.no_tags();
  writer.array(0);
  writer.text("");  // rack
  writer.no_tags();
  fetch.bytes = frame(std::move(writer));
  return fetch;
}

Fetched read_fetched(View head, std::int16_t version) {
  Fetched fetched;
  Reader reader(head);
  reader.tags();
  reader.i32();
  fetched.error = reader.i16();
  if (fetched.error != 0) return fetched;
  reader.i32();
  if (reader.array() != 1) fail("a Fetch answer without the topic");
  if (version < kFirstFetchById) {
    reader.text();
  } else {
    reader.uuid();
  }
  if (reader.array() != 1) fail("a Fetch answer without the partition");
  reader.i32();
  fetched.error = reader.i16();
  fetched.high_watermark = reader.i64();
  reader.i64();
  reader.i64();
  for (std::size_t count = reader.array(); count > 0; count--) {
    reader.i64();
    reader.i64();
    reader.tags();
  }
  reader.i32();
  fetched.records_bytes = reader.array();
  fetched.records = reader.rest().first(std::min(reader.rest().size(), fetched.records_bytes));
  return fetched;
}

}  // namespace load
