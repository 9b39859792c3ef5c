#include "rdb/payload.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/crc64.h"

namespace hearth::rdb {

std::optional<std::string_view> PayloadBody(std::string_view payload, bool checks_sum) {
  if (payload.size() < kPayloadFooterBytes) return std::nullopt;
  const std::string_view body = payload.substr(0, payload.size() - kPayloadFooterBytes);
  const char* footer = body.data() + body.size();
  if (LoadLittle<uint16_t>(footer) > kMaxVersion) return std::nullopt;
  if (!checks_sum) return body;
  const uint64_t checksum = LoadLittle<uint64_t>(footer + sizeof(uint16_t));
  if (Crc64(0, payload.substr(0, payload.size() - kChecksumBytes)) != checksum) return std::nullopt;
  return body;
}

Result<keyspace::FreshEntry> DecodePayload(std::string_view body, const KeyAttributes& attributes,
                                           const DecodeContext& context) {
  MemorySource source(body);
  Reader reader(source);
  uint8_t type = 0;
  if (!reader.ReadByte(&type)) return std::unexpected(reader.error());
  if (!IsValueType(type)) return Fail(fmt::format("no value has the type {}", type));
  keyspace::FreshEntry entry;
  if (!DecodeEntry(reader, static_cast<ValueType>(type), attributes, context, &entry)) {
    return std::unexpected(reader.error());
  }
  if (entry == nullptr) return Fail("the collection is empty");
  return entry;
}

}  // namespace hearth::rdb
