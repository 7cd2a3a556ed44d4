#include "canned_answer.h"

#include <algorithm>
#include <string_view>

namespace load {
namespace {

constexpr std::int32_t kBrokerId = 1;

std::string_view text_of(Reader& reader) {
  const View bytes = reader.take(reader.array());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void answer_versions(Writer& out) {
  constexpr std::array<std::array<std::int16_t, 2>, 4> kKnown = {{{1, 12}, {2, 6}, {3, 12}, {18, 0}}};
  out.i16(0);
  out.i32(static_cast<std::int32_t>(kKnown.size()));
  for (const auto& [api, version] : kKnown) {
    out.i16(api);
    out.i16(version);
    out.i16(version);
  }
}

// Whatever topic is asked for is there, with more partitions than anybody wants.
void answer_metadata(Reader& reader, const Canned& canned, Writer& out) {
  constexpr std::int32_t kPartitions = 256;
  reader.array();
  reader.uuid();
  const std::string_view topic = text_of(reader);
  out.i32(0);
  out.array(1);
  out.i32(kBrokerId);
  out.text("127.0.0.1");
  out.i32(canned.port);
  out.null();
  out.no_tags();
  out.text("canned");
  out.i32(kBrokerId);
  out.array(1);
  out.i16(0);
  out.text(topic);
  out.raw(Uuid{});
  out.boolean(false);
  out.array(kPartitions);
  for (std::int32_t partition = 0; partition < kPartitions; partition++) {
    out.i16(0);
    out.i32(partition);
    out.i32(kBrokerId);
    out.i32(0);
    for (int list = 0; list < 2; list++) {  // replicas, in-sync replicas
      out.array(1);
      out.i32(kBrokerId);
    }
    out.array(0);
    out.no_tags();
  }
  out.i32(INT32_MIN);
  out.no_tags();
  out.no_tags();
}

void answer_offsets(Reader& reader, const Canned& canned, Writer& out) {
  reader.i32();
  reader.i8();
  reader.array();
  const std::string_view topic = text_of(reader);
  reader.array();
  const std::int32_t partition = reader.i32();
  reader.i32();
  const std::int64_t time = reader.i64();
  out.i32(0);
  out.array(1);
  out.text(topic);
  out.array(1);
  out.i32(partition);
  out.i16(0);
  out.i64(-1);
  out.i64(time == -2 ? canned.segment.first_offset() : canned.segment.end_offset());
  out.i32(0);
  out.no_tags();
  out.no_tags();
  out.no_tags();
}

FileRange answer_fetch(Reader& reader, const Canned& canned, Writer& out) {
  reader.take(4 + 4 + 4 + 4 + 1 + 4 + 4);  // replica, waiting time, sizes, isolation, session
  reader.array();
  const std::string_view topic = text_of(reader);
  reader.array();
  const std::int32_t partition = reader.i32();
  reader.i32();
  const std::int64_t offset = reader.i64();
  reader.take(4 + 8);
  const std::int64_t most = std::min<std::int64_t>(reader.i32(), canned.most_bytes);
  FileRange range;
  range.position = canned.segment.position(offset);
  range.length = canned.segment.length(range.position, most);
  out.i32(0);
  out.i16(0);
  out.i32(0);
  out.array(1);
  out.text(topic);
  out.array(1);
  out.i32(partition);
  out.i16(0);
  out.i64(canned.segment.end_offset());
  out.i64(canned.segment.end_offset());
  out.i64(canned.segment.first_offset());
  out.null();
  out.i32(-1);
  out.unsigned_varint(static_cast<std::uint64_t>(range.length) + 1);
  return range;
}

}  // namespace

FileRange canned_answer(View request, const Canned& canned, Writer& out) {
  Reader reader(request);
  const auto api = static_cast<Api>(reader.i16());
  const std::int16_t version = reader.i16();
  out.clear();
  out.i32(0);
  out.i32(reader.i32());
  reader.take(static_cast<std::size_t>(std::max<std::int16_t>(0, reader.i16())));
  if (api != Api::ApiVersions) {
    reader.tags();
    out.no_tags();
  }
  FileRange range;
  std::size_t tail = 0;
  switch (api) {
    case Api::ApiVersions:
      answer_versions(out);
      break;
    case Api::Metadata:
      answer_metadata(reader, canned, out);
      break;
    case Api::ListOffsets:
      answer_offsets(reader, canned, out);
      break;
    case Api::Fetch:
      range = answer_fetch(reader, canned, out);
      tail = kFetchTailBytes;
      // Nothing to send from the file: the tail goes with the rest.
      if (range.length == 0) out.raw(Bytes(std::exchange(tail, 0)));
      break;
    default:
      fail("API " + std::to_string(static_cast<int>(api)) + " version " + std::to_string(version) + " is not canned");
  }
  store_be(out.at(0), static_cast<std::uint32_t>(out.size() - 4 + static_cast<std::size_t>(range.length) + tail));
  return range;
}

}  // namespace load
