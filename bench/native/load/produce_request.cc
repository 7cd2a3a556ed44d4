#include "produce_request.h"

namespace load {

ProduceHead make_produce_head(const std::string& topic, std::int16_t acks, const Batch& batch) {
  constexpr std::int32_t kTimeoutMs = 30'000;
  ProduceHead head;
  Writer writer = request(Api::Produce, 9);
  writer.null();  // no transaction
  writer.i16(acks);
  writer.i32(kTimeoutMs);
  writer.array(1);
  writer.text(topic);
  writer.array(1);
  head.partition_at = writer.size();
  writer.i32(0);
  writer.unsigned_varint(batch.bytes.size() + 1);
  head.bytes = frame(std::move(writer), batch.bytes.size() + kProduceTailBytes);
  return head;
}

Produced read_produced(View head) {
  Reader reader(head);
  reader.tags();
  reader.array();
  reader.text();
  reader.array();
  reader.i32();
  Produced produced;
  produced.error = reader.i16();
  produced.base_offset = reader.i64();
  return produced;
}

}  // namespace load
