// The check of foreign listpack bytes, which trusts nothing: see ValidateListpack in listpack.h.
#include "base/bytes.h"
#include "ds/listpack.h"
#include "ds/listpack_format.h"

namespace hearth::ds {
namespace {

namespace format = listpack_format;

// The size of the entry at `at` if it lies wholly before `end` and its backward length agrees; else 0.
size_t CheckedEntryBytes(const uint8_t* bytes, size_t at, size_t end) {
  const size_t prefix = format::PrefixBytes(bytes[at]);
  if (prefix == 0 || prefix > end - at) return 0;
  const size_t encoded = format::EncodedBytes(bytes + at);
  if (encoded > end - at) return 0;
  const size_t back_bytes = format::BackLengthBytes(encoded);
  if (back_bytes > end - at - encoded) return 0;
  const uint8_t* back = bytes + at + encoded;
  if ((back[0] & 0x80) != 0) return 0;
  for (size_t i = 1; i < back_bytes; ++i) {
    if ((back[i] & 0x80) == 0) return 0;
  }
  return format::ReadBackLength(back + back_bytes - 1) == encoded ? encoded + back_bytes : 0;
}

}  // namespace

bool ValidateListpack(std::string_view raw, bool deep, const ListpackCheck& check) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data());
  if (raw.size() < Listpack::kEmptyBytes || raw.size() > Listpack::kMaxBytes) return false;
  if (LoadLittle<uint32_t>(bytes) != raw.size() || bytes[raw.size() - 1] != format::kEnd) return false;
  if (!deep) return true;
  const size_t end = raw.size() - 1;
  const ListpackView view(bytes);
  size_t count = 0;
  for (size_t at = format::kHeaderBytes; at < end; ++count) {
    const size_t size = CheckedEntryBytes(bytes, at, end);
    if (size == 0 || (check && !check(view.Get(at)))) return false;
    at += size;
  }
  const uint16_t claimed = LoadLittle<uint16_t>(bytes + 4);
  return claimed == format::kCountUnknown || claimed == count;
}

}  // namespace hearth::ds
