#include "script/function_payload.h"

#include <optional>

#include "base/crc64.h"
#include "rdb/payload.h"
#include "rdb/reader.h"

namespace hearth::script {
namespace {

// The first that has libraries in this form: whoever reads functions reads it.
constexpr uint16_t kVersion = 10;

}  // namespace

std::string EncodeFunctions(std::span<const std::string> codes, rdb::Compression compression) {
  std::string payload;
  for (const std::string& code : codes) {
    rdb::PutOpcode(payload, rdb::Opcode::kFunction2);
    rdb::PutString(payload, code, compression);
  }
  rdb::PutLittle(payload, kVersion);
  rdb::PutLittle(payload, Crc64(0, payload));
  return payload;
}

Result<std::vector<std::string>> DecodeFunctions(std::string_view payload) {
  const std::optional<std::string_view> body = rdb::PayloadBody(payload);
  if (!body) return Fail("DUMP payload version or checksum are wrong");
  std::vector<std::string> codes;
  rdb::MemorySource source(*body);
  rdb::Reader reader(source);
  while (!reader.AtEnd()) {
    uint8_t opcode = 0;
    std::string code;
    if (!reader.ReadByte(&opcode) || opcode != static_cast<uint8_t>(rdb::Opcode::kFunction2)) {
      return Fail("given type is not a function");
    }
    if (!reader.ReadString(&code)) return Fail("failed loading functions payload");
    codes.push_back(std::move(code));
  }
  return codes;
}

}  // namespace hearth::script
